// A QR code as one path of squares, in the colours of the theme: dark on light always, since many cameras want it so.

import { generate } from 'lean-qr';
import { html, type TemplateResult } from 'lit';

const quietModules = 4;

export function qrCode(text: string, label: string): TemplateResult {
  const { size, get } = generate(text);
  const rows = Array.from({ length: size }, (_, y) => y);
  const path = rows.flatMap((y) => rows.filter((x) => get(x, y)).map((x) => `M${x} ${y}h1v1h-1z`)).join('');
  const side = size + 2 * quietModules;
  return html`<svg class="gh-qr" role="img" aria-label=${label} viewBox="${-quietModules} ${-quietModules} ${side} ${side}">
    <rect x=${-quietModules} y=${-quietModules} width=${side} height=${side} fill="#fff"></rect>
    <path d=${path} fill="#000" shape-rendering="crispEdges"></path>
  </svg>`;
}
