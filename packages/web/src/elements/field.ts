// One row of a form: label, control, help and errors, tied together for screen readers.
import { html, nothing, type TemplateResult } from 'lit';
import { ifDefined } from 'lit/directives/if-defined.js';

export interface FieldOptions {
  /** Name of the control, and its id. */
  readonly name: string;
  readonly label: string;
  readonly errors?: readonly string[];
  readonly help?: string;
  readonly required?: boolean;
  /** Shows that it is required; of use only where other fields are not. */
  readonly marked?: boolean;
}

/** What a control has to carry to belong to its row. */
export interface ControlLinks {
  readonly id: string;
  readonly describedBy: string | undefined;
  readonly invalid: boolean;
}

export function field(options: FieldOptions, control: (links: ControlLinks) => unknown): TemplateResult {
  const { name, label, errors = [], help, marked = false } = options;
  const id = `field-${name}`;
  const described = [...(errors.length > 0 ? [`${id}-error`] : []), ...(help ? [`${id}-help`] : [])].join(' ');
  const links = { id, describedBy: described === '' ? undefined : described, invalid: errors.length > 0 };
  return html`<div class="pf-v6-c-form__group">
    <div class="pf-v6-c-form__group-label">
      <label class="pf-v6-c-form__label" for=${id}
        ><span class="pf-v6-c-form__label-text">${label}</span>${
          marked ? html`<span class="pf-v6-c-form__label-required" aria-hidden="true"> *</span>` : nothing
        }</label
      >
    </div>
    <div class="pf-v6-c-form__group-control">${control(links)} ${below(id, errors, help)}</div>
  </div>`;
}

/** Errors and help of a control that has another kind of label. */
export function below(id: string, errors: readonly string[], help?: string): TemplateResult | typeof nothing {
  if (errors.length === 0 && !help) return nothing;
  return html`<div class="pf-v6-c-form__helper-text">
    <div class="pf-v6-c-helper-text">
      ${errors.length > 0 ? line(`${id}-error`, errors.join(' '), true) : nothing}
      ${help ? line(`${id}-help`, help, false) : nothing}
    </div>
  </div>`;
}

function line(id: string, text: string, bad: boolean): TemplateResult {
  return html`<div class="pf-v6-c-helper-text__item ${bad ? 'pf-m-error' : ''}" id=${id}>
    <span class="pf-v6-c-helper-text__item-text">${text}</span>
  </div>`;
}

export interface InputOptions extends FieldOptions {
  readonly type?: string;
  readonly value?: string;
  readonly placeholder?: string;
  readonly autocomplete?: string;
  readonly inputMode?: 'text' | 'numeric' | 'email' | 'tel' | 'url';
  readonly readOnly?: boolean;
  /** Gets the focus when the form appears. */
  readonly first?: boolean;
  /** Beside the input: a button that shows the password. */
  readonly aside?: unknown;
}

/** A single-line input with its row. */
export function inputField(options: InputOptions): TemplateResult {
  const { name, type = 'text', value = '', required = false, readOnly = false, first = false, aside } = options;
  return field(options, ({ id, describedBy, invalid }) => {
    const control = html`<span class="pf-v6-c-form-control ${invalid ? 'pf-m-error' : ''} ${readOnly ? 'pf-m-readonly' : ''}"
      ><input
        id=${id}
        name=${name}
        type=${type}
        .value=${value}
        ?required=${required}
        ?readonly=${readOnly}
        ?data-first=${first}
        placeholder=${ifDefined(options.placeholder || undefined)}
        autocomplete=${ifDefined(options.autocomplete)}
        inputmode=${ifDefined(options.inputMode)}
        autocapitalize="none"
        spellcheck="false"
        aria-invalid=${invalid ? 'true' : 'false'}
        aria-describedby=${ifDefined(describedBy)}
    /></span>`;
    return aside === undefined ? control : html`<div class="gh-input-group">${control} ${aside}</div>`;
  });
}
