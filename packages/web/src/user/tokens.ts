// Keys that work beside the password: app passwords for programs, API tokens for scripts, Wi-Fi secrets for networks.
import { html, nothing, type TemplateResult } from 'lit';
import { rowButton } from '../elements/button.ts';
import { copyButton } from '../elements/copy-button.ts';
import { ask, tell, type Values } from '../elements/dialog.ts';
import { inputField } from '../elements/field.ts';
import { type IconName, icon } from '../elements/icon.ts';
import { Section } from '../elements/section.ts';
import { exact, relative } from '../elements/when.ts';

interface TokenRow {
  readonly pk: string;
  readonly identifier: string;
  readonly intent: string;
  readonly user: number;
  readonly description: string;
  readonly expires: string | null;
  readonly expiring: boolean;
}

interface Kind {
  readonly title: string;
  readonly about: string;
  readonly create: string;
  readonly icon: IconName;
}

const kinds: Readonly<Record<string, Kind>> = {
  app_password: {
    title: 'App passwords',
    about: 'For a program that cannot ask for a second factor: mail, calendar, a directory login.',
    create: 'New app password',
    icon: 'key',
  },
  api: {
    title: 'API tokens',
    about: 'For scripts that call the REST API in your name.',
    create: 'New API token',
    icon: 'server',
  },
  wifi_secret: {
    title: 'Wi-Fi secrets',
    about: 'For devices that join the network by PEAP or MS-CHAPv2. Your password is never used there.',
    create: 'New Wi-Fi secret',
    icon: 'wifi',
  },
};

export class TokensSection extends Section<readonly TokenRow[]> {
  protected readonly heading = 'Tokens and app passwords';
  declare userPk: number;

  protected override async load() {
    const rows = await this.api.all<TokenRow>('/core/tokens/', { ordering: 'identifier' });
    return rows.filter(({ user, intent }) => user === this.userPk && intent in kinds);
  }

  protected override show(rows: readonly TokenRow[]): TemplateResult {
    return html`${this.headline()}
      ${Object.entries(kinds).map(([intent, kind]) => this.#kind(intent, kind, rows))}`;
  }

  #kind(intent: string, { title, about, create }: Kind, rows: readonly TokenRow[]): TemplateResult {
    const own = rows.filter((row) => row.intent === intent);
    return html`<section>
      <h2 class="gh-group">${title}</h2>
      <p class="gh-quiet">${about}</p>
      ${
        own.length === 0
          ? nothing
          : html`<ul class="gh-rows">
              ${own.map((row) => this.#row(row))}
            </ul>`
      }
      <button type="button" class="pf-v6-c-button pf-m-secondary" @click=${() => void this.#create(intent)}>${create}</button>
    </section>`;
  }

  #row(row: TokenRow): TemplateResult {
    const name = row.description || row.identifier;
    const show = async () => {
      const { key } = await this.api.get<{ key: string }>(`/core/tokens/${row.identifier}/view_key/`);
      await showKey(name, key);
    };
    const remove = async () => {
      const sure = await ask({
        title: `Delete ${name}?`,
        body: 'Whatever uses it stops working at once.',
        action: 'Delete',
        dangerous: true,
      });
      if (sure !== undefined)
        await this.act('The token was deleted.', () => this.api.send('DELETE', `/core/tokens/${row.identifier}/`));
    };
    return html`<li class="gh-row-card">
      <span class="gh-row-card__icon">${icon(kinds[row.intent]?.icon ?? 'key')}</span>
      <span class="gh-row-card__text">
        <strong>${name}</strong>
        <span>${
          row.expiring
            ? html`expires <time title=${exact(row.expires)}>${relative(row.expires)}</time>`
            : 'does not expire'
        }</span>
      </span>
      ${rowButton('Show', name, () => void show())}
      ${rowButton('Delete', name, () => void remove())}
    </li>`;
  }

  async #create(intent: string): Promise<void> {
    const suffix = crypto.getRandomValues(new Uint32Array(1))[0]?.toString(36);
    const identifierOf = ({ description = '' }: Values) => `${slugOf(description)}-${suffix}`;
    const question = {
      title: kinds[intent]?.create ?? 'New token',
      action: 'Create',
      body: inputField({
        name: 'description',
        label: 'What is it for?',
        required: true,
        placeholder: 'Mail on my phone',
      }),
      work: (values: Values) =>
        this.api.send('POST', '/core/tokens/', {
          ...values,
          identifier: identifierOf(values),
          intent,
          user: this.userPk,
        }),
    };
    const given = await this.askAndDo(question, () => 'The token was created.');
    if (given === undefined) return;
    const { key } = await this.api.get<{ key: string }>(`/core/tokens/${identifierOf(given)}/view_key/`);
    await showKey(given['description'] ?? '', key);
  }
}

function showKey(name: string, key: string): Promise<void> {
  return tell(
    name,
    html`<p>Put this into the program. Do not send it to anybody.</p>
      <p class="gh-secret"><code>${key}</code>${copyButton(key)}</p>`,
  );
}

function slugOf(text: string): string {
  return (
    text
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '')
      .slice(0, 40) || 'token'
  );
}
