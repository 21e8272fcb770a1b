// `ak-stage-prompt` (flow-executor.md §12): a form of any fields; each kind of field is in prompt-fields.ts.
import type { PromptChallenge } from '@gatehouse/contract/flow';
import { html } from 'lit';
import { submitButton } from '../../elements/button.ts';
import { promptField, readPrompt } from '../prompt-fields.ts';
import { StageElement } from '../stage-element.ts';

export class PromptStage extends StageElement<PromptChallenge> {
  override render() {
    const fields = [...this.challenge.fields].sort((one, other) => one.order - other.order);
    const first = fields.find(
      ({ type }) => !['hidden', 'static', 'separator'].includes(type) && !type.includes('read_only'),
    );
    const mixed = fields.some(({ required, type }) => !required && type !== 'checkbox');
    return this.form(html`
      ${this.otherErrors(...fields.map(({ field_key }) => field_key))}
      ${fields.map((field) =>
        promptField(field, {
          errors: this.errorsOf(field.field_key),
          first: field === first,
          marked: mixed && field.required,
        }),
      )}
      ${submitButton('Continue', this.busy)}
    `);
  }

  /** Files are read first, which takes a moment. */
  protected override sendForm(event: SubmitEvent): void {
    event.preventDefault();
    const { target } = event;
    if (target instanceof HTMLFormElement) void this.#sendAll(target);
  }

  async #sendAll(form: HTMLFormElement): Promise<void> {
    const values = await Promise.all(
      this.challenge.fields.map(async (field) => [field.field_key, await readPrompt(field, form)] as const),
    );
    this.send(Object.fromEntries(values.filter(([, value]) => value !== undefined)));
  }
}
