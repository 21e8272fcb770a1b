// Buttons of forms. A form that waits keeps its button in place, says so, and takes no second answer.
import { html, nothing, type TemplateResult } from 'lit';

export function submitButton(text: string, busy: boolean): TemplateResult {
  return html`<div class="pf-v6-c-form__group pf-m-action">
    <button
      type="submit"
      class="pf-v6-c-button pf-m-primary pf-m-block ${busy ? 'pf-m-progress pf-m-in-progress' : ''}"
      aria-disabled=${busy ? 'true' : 'false'}
    >
      ${submitState(text, busy)}
    </button>
  </div>`;
}

/** What is inside of a button that sends. */
export function submitState(text: string, busy: boolean): TemplateResult {
  return html`${busy ? html`<span class="pf-v6-c-button__progress">${spinner('Sending')}</span>` : nothing}
    <span class="pf-v6-c-button__text">${text}</span>`;
}

/** A button in a row of a list: what it does is read together with what it does it to. */
export function rowButton(text: string, of: string, act: () => void): TemplateResult {
  return html`<button type="button" class="pf-v6-c-button pf-m-secondary pf-m-small" @click=${act}>
    <span class="pf-v6-c-button__text">${text}<span class="pf-v6-screen-reader"> ${of}</span></span>
  </button>`;
}

/** Beside what could not be loaded. */
export function againButton(load: () => void): TemplateResult {
  return html`<button type="button" class="pf-v6-c-button pf-m-link pf-m-inline" @click=${load}>Try again</button>`;
}

export function spinner(label: string, size: 'md' | 'xl' = 'md'): TemplateResult {
  return html`<svg class="pf-v6-c-spinner pf-m-${size}" role="progressbar" viewBox="0 0 100 100" aria-label=${label}>
    <circle class="pf-v6-c-spinner__path" cx="50" cy="50" r="45" fill="none"></circle>
  </svg>`;
}
