// Copies a text; says so to everybody.
import { html, type TemplateResult } from 'lit';
import { icon } from './icon.ts';

const saidForMs = 2000;

export function copyButton(text: string, label = 'Copy'): TemplateResult {
  const copy = async (event: Event) => {
    const button = event.currentTarget;
    await navigator.clipboard.writeText(text);
    const said = button instanceof HTMLElement ? button.querySelector('[aria-live]') : null;
    if (said === null) return;
    said.textContent = 'Copied';
    setTimeout(() => {
      said.textContent = label;
    }, saidForMs);
  };
  return html`<button type="button" class="pf-v6-c-button pf-m-secondary pf-m-small" @click=${copy}>
    <span class="pf-v6-c-button__icon pf-m-start">${icon('copy')}</span>
    <span class="pf-v6-c-button__text" aria-live="polite">${label}</span>
  </button>`;
}
