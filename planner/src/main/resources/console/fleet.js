import { PageHead, html } from './ui.js';
export function FleetList() { return html`<${PageHead} title="FleetList" />`; }
export function FleetPage() { return html`<${PageHead} title="FleetPage" />`; }
