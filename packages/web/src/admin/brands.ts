// Brands for administrators: how the pages look on which host.
import { html } from 'lit';
import { rowButton } from '../elements/button.ts';
import type { Values } from '../elements/dialog.ts';
import { field, inputField } from '../elements/field.ts';
import { type Column, ListSection } from '../elements/list-section.ts';

interface BrandRow {
  readonly brand_uuid: string;
  readonly domain: string;
  readonly default: boolean;
  readonly branding_title: string;
  readonly branding_logo: string;
  readonly branding_favicon: string;
  readonly branding_default_flow_background: string;
  readonly branding_custom_css: string;
}

export class BrandsSection extends ListSection<BrandRow> {
  protected readonly heading = 'Brands';
  protected readonly path = '/core/brands/';
  protected readonly columns: readonly Column<BrandRow>[] = [
    { title: 'Host', cell: (row) => html`<strong>${row.domain}</strong>${row.default ? ' (every other host)' : ''}` },
    { title: 'Title', cell: ({ branding_title: title }) => title },
    { title: '', cell: (row) => rowButton('Edit', row.domain, () => void this.#edit(row)) },
  ];

  async #edit(row: BrandRow): Promise<void> {
    const question = {
      title: `Edit the brand of ${row.domain}`,
      action: 'Save',
      work: (values: Values) => this.api.send('PATCH', `${this.path}${row.brand_uuid}/`, values),
      body: html`${inputField({ name: 'branding_title', label: 'Title', value: row.branding_title, required: true })}
      ${this.#picker('branding_logo', 'Logo', row.branding_logo)}
      ${this.#picker('branding_favicon', 'Icon of the tab', row.branding_favicon)}
      ${this.#picker('branding_default_flow_background', 'Background', row.branding_default_flow_background)}
      ${field({ name: 'branding_custom_css', label: 'Styles (CSS)' }, ({ id }) => {
        return html`<span class="pf-v6-c-form-control pf-m-textarea"
          ><textarea id=${id} name="branding_custom_css" rows="6" spellcheck="false" .value=${row.branding_custom_css}></textarea
        ></span>`;
      })}`,
    };
    await this.askAndDo(question, () => `The brand of ${row.domain} was saved.`);
  }

  #picker(name: string, label: string, value: string) {
    return html`<gh-file-picker .api=${this.api} .name=${name} .label=${label} .value=${value} .preview=${value}></gh-file-picker>`;
  }
}
