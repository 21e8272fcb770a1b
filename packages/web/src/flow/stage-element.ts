// What all stages have in common: the challenge they show, the form they send, the errors that came back. They render into
// the page itself, so that password managers, brand styles and labels reach everything.
import type { ResponseErrors } from '@gatehouse/contract/flow';
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { notice } from '../elements/notice.ts';
import type { ReceivedChallenge } from './executor.ts';

export type Values = Readonly<Record<string, unknown>>;

export abstract class StageElement<C extends ReceivedChallenge> extends LitElement {
  static override properties = { challenge: { attribute: false }, busy: { attribute: false } };
  declare challenge: C;
  declare busy: boolean;

  protected override createRenderRoot(): this {
    return this;
  }

  protected errorsOf(field: string): string[] {
    const errors: ResponseErrors = this.challenge.response_errors ?? {};
    return (errors[field] ?? []).map(({ string }) => string);
  }

  /** Errors that belong to none of the fields on the page. */
  protected otherErrors(...fields: readonly string[]): TemplateResult | typeof nothing {
    const errors: ResponseErrors = this.challenge.response_errors ?? {};
    const texts = Object.entries(errors)
      .filter(([field]) => !fields.includes(field))
      .flatMap(([, list]) => list.map(({ string }) => string));
    return texts.length === 0 ? nothing : notice('danger', texts.join(' '));
  }

  /** Sends an answer, unless one is on its way. */
  protected send(values: Values): void {
    if (this.busy) return;
    this.dispatchEvent(new CustomEvent<Values>('gh-answer', { detail: values, bubbles: true }));
  }

  /** Handler of a form whose controls are named as the answer's fields. */
  protected sendForm(event: SubmitEvent): void {
    event.preventDefault();
    if (event.target instanceof HTMLFormElement) this.send(this.valuesOf(event.target));
  }

  protected valuesOf(form: HTMLFormElement): Values {
    return Object.fromEntries([...new FormData(form)].filter(([, value]) => typeof value === 'string'));
  }

  protected form(body: unknown): TemplateResult {
    return html`<form class="pf-v6-c-form" novalidate @submit=${this.sendForm}>${body}</form>`;
  }
}
