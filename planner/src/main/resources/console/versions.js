import { PageHead, html } from './ui.js';
export function VersionsPage() { return html`<${PageHead} title="VersionsPage" />`; }
