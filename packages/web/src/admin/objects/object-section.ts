// A list of objects of any model, by an entry of the catalogue: found, made, changed and deleted.
import { html, nothing } from 'lit';
import { type Column, ListSection } from '../../elements/list-section.ts';
import type { Entry } from './entry.ts';
import { type Row, titleOf } from './models.ts';
import { makeQuestion } from './questions.ts';
import { deleteButton, editButton } from './row-buttons.ts';

export class ObjectSection extends ListSection<Row> {
  declare entry: Entry;
  /** Key of the object whose parts are listed (stages of a flow, bindings of an application). */
  declare of: string | undefined;

  protected get heading(): string {
    return this.entry.title;
  }

  protected get path(): string {
    return this.entry.path;
  }

  override connectedCallback(): void {
    this.query = { ...this.entry.query, ...(this.of === undefined ? {} : { target: this.of }) };
    super.connectedCallback();
  }

  protected get columns(): readonly Column<Row>[] {
    return [
      ...this.entry.columns,
      { title: '', cell: (row) => html`<span class="gh-row-actions">${this.#rowActions(row)}</span>` },
    ];
  }

  protected override actions() {
    if (this.entry.fixed === true) return this.entry.actions?.(this) ?? nothing;
    const presets = this.of === undefined ? {} : { target: this.of };
    const create = () =>
      void this.askWhenReady(
        makeQuestion(this.api, { path: this.path, presets }),
        `${this.entry.singular} was created.`,
      );
    return html`<button type="button" class="pf-v6-c-button pf-m-primary" @click=${create}>
        New ${this.entry.singular.toLowerCase()}
      </button>
      ${this.entry.actions?.(this) ?? nothing}`;
  }

  #rowActions(row: Row) {
    const { fixed, keeps, rowActions } = this.entry;
    const title = this.entry.nameOf?.(row) ?? titleOf(row);
    const named = { path: this.path, row, title };
    return html`${rowActions?.(this, row) ?? nothing}
    ${fixed === true && keeps !== 'editable' ? nothing : editButton(this, named)}
    ${keeps !== undefined ? nothing : deleteButton(this, named)}`;
  }

  /** Does something to a row, and tells. */
  async does(done: string, work: () => Promise<unknown>): Promise<void> {
    await this.act(done, work);
  }
}
