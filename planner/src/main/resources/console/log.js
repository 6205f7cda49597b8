import { PageHead, html } from './ui.js';
export function LogPage() { return html`<${PageHead} title="LogPage" />`; }
