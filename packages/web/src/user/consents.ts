// What this user has allowed applications to know, and taking it back.
import { html, type TemplateResult } from 'lit';
import { rowButton } from '../elements/button.ts';
import { ask } from '../elements/dialog.ts';
import { icon } from '../elements/icon.ts';
import { Section } from '../elements/section.ts';
import { exact, relative } from '../elements/when.ts';

interface ConsentRow {
  readonly pk: number;
  readonly expires: string | null;
  readonly user: { readonly pk: number };
  readonly application: { readonly name: string };
  readonly permissions: string;
}

export class ConsentsSection extends Section<readonly ConsentRow[]> {
  protected readonly heading = 'What you have allowed';
  declare userPk: number;

  protected override async load() {
    return this.api.all<ConsentRow>('/core/user_consent/', { user: String(this.userPk) });
  }

  protected override show(rows: readonly ConsentRow[]): TemplateResult {
    return html`${this.headline()}
      <p class="gh-quiet">
        ${rows.length === 0 ? 'You have allowed no application anything yet.' : 'An application whose permission you take back asks you again.'}
      </p>
      <ul class="gh-rows">
        ${rows.map((row) => this.#row(row))}
      </ul>`;
  }

  #row({ pk, application: { name }, permissions, expires }: ConsentRow): TemplateResult {
    const takeBack = async () => {
      const sure = await ask({
        title: `Take back what ${name} may know?`,
        body: 'It asks you again at your next visit.',
        action: 'Take back',
        dangerous: true,
      });
      if (sure !== undefined)
        await this.act('The permission is taken back.', () => this.api.send('DELETE', `/core/user_consent/${pk}/`));
    };
    return html`<li class="gh-row-card">
      <span class="gh-row-card__icon">${icon('check')}</span>
      <span class="gh-row-card__text">
        <strong>${name}</strong>
        <span>
          ${permissions === '' ? 'Your identity' : permissions.split(' ').join(', ')}
          ${expires === null ? '' : html`· ends <time datetime=${expires} title=${exact(expires)}>${relative(expires)}</time>`}
        </span>
      </span>
      ${rowButton('Take back', `permissions of ${name}`, () => void takeBack())}
    </li>`;
  }
}
