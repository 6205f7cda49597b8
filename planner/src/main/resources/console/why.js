import { PageHead, html } from './ui.js';
export function Why() { return html`<${PageHead} title="Why" />`; }
