import { PageHead, html } from './ui.js';
export function MachinePage() { return html`<${PageHead} title="MachinePage" />`; }
