// Text that administrators may write with simple markup (help below a prompt): a small set of elements and web links passes,
// everything else stays as its text.
import { html, type TemplateResult } from 'lit';

const allowed = new Set(['A', 'B', 'BR', 'CODE', 'EM', 'HR', 'I', 'LI', 'OL', 'P', 'SPAN', 'STRONG', 'U', 'UL']);

export function markup(text: string): TemplateResult {
  const { body } = new DOMParser().parseFromString(text, 'text/html');
  return html`${[...body.childNodes].map(copy)}`;
}

function copy(node: Node): Node {
  if (!(node instanceof HTMLElement)) return document.createTextNode(node.textContent ?? '');
  const children = [...node.childNodes].map(copy);
  if (!allowed.has(node.tagName)) {
    const plain = document.createDocumentFragment();
    if (node.tagName !== 'SCRIPT' && node.tagName !== 'STYLE') plain.append(...children);
    return plain;
  }
  const kept = document.createElement(node.tagName);
  if (node instanceof HTMLAnchorElement && kept instanceof HTMLAnchorElement && /^https?:$/.test(node.protocol)) {
    kept.href = node.href;
    kept.rel = 'noreferrer';
  }
  kept.append(...children);
  return kept;
}
