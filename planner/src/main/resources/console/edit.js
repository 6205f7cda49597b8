import { PageHead, html } from './ui.js';
export function EditPage() { return html`<${PageHead} title="EditPage" />`; }
