// A password input; with a button that shows what was typed, where the stage allows it.
import { html, type TemplateResult } from 'lit';
import { inputField } from '../elements/field.ts';
import { icon } from '../elements/icon.ts';

export interface PasswordFieldOptions {
  readonly mayShow: boolean;
  readonly errors: readonly string[];
  readonly first: boolean;
  readonly name?: string;
  readonly label?: string;
  readonly autocomplete?: 'current-password' | 'new-password';
  readonly required?: boolean;
  readonly placeholder?: string;
  readonly help?: string;
}

export function passwordField(options: PasswordFieldOptions): TemplateResult {
  const { name = 'password', label = 'Password', autocomplete = 'current-password', required = true } = options;
  return inputField({
    ...options,
    name,
    label,
    type: 'password',
    autocomplete,
    required,
    ...(options.mayShow ? { aside: showButton(`field-${name}`) } : {}),
  });
}

function showButton(id: string): TemplateResult {
  const toggle = (event: Event) => {
    const button = event.currentTarget;
    const input = document.getElementById(id);
    if (!(input instanceof HTMLInputElement) || !(button instanceof HTMLElement)) return;
    const shown = input.type === 'password';
    input.type = shown ? 'text' : 'password';
    button.setAttribute('aria-pressed', String(shown));
  };
  return html`<button
    type="button"
    class="pf-v6-c-button pf-m-control gh-show"
    aria-label="Show the password"
    aria-pressed="false"
    aria-controls=${id}
    @click=${toggle}
  >
    <span class="pf-v6-c-button__icon gh-show__off">${icon('eye')}</span>
    <span class="pf-v6-c-button__icon gh-show__on">${icon('eye-off')}</span>
  </button>`;
}
