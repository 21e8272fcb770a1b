// Users for administrators: found, made, switched on and off, given a new password.
import { html } from 'lit';
import { avatar } from '../elements/avatar.ts';
import { rowButton } from '../elements/button.ts';
import { ask, type Values } from '../elements/dialog.ts';
import { inputField } from '../elements/field.ts';
import { type Column, ListSection } from '../elements/list-section.ts';
import { exact, relative } from '../elements/when.ts';
import type { Row } from './objects/models.ts';
import { makeQuestion } from './objects/questions.ts';
import { deleteButton, editButton } from './objects/row-buttons.ts';

interface UserRow extends Row {
  readonly pk: number;
  readonly username: string;
  readonly name: string;
  readonly email: string;
  readonly avatar: string;
  readonly type: string;
  readonly is_active: boolean;
  readonly is_superuser: boolean;
  readonly last_login: string | null;
}

export class UsersSection extends ListSection<UserRow> {
  protected readonly heading = 'Users';
  protected readonly path = '/core/users/';
  protected override query = { include_groups: false, include_roles: false };
  protected readonly columns: readonly Column<UserRow>[] = [
    {
      title: 'Name',
      cell: (row) => html`<span class="gh-named">
        ${avatar(row.avatar)}
        <span><strong>${row.username}</strong><span class="gh-quiet">${row.name}</span></span>
      </span>`,
    },
    { title: 'E-mail', cell: ({ email }) => email || '–' },
    {
      title: 'Kind',
      cell: ({ type, is_superuser: root }) => `${type.replaceAll('_', ' ')}${root ? ', superuser' : ''}`,
    },
    { title: 'State', cell: ({ is_active: active }) => badge(active) },
    {
      title: 'Last login',
      cell: ({ last_login: at }) => html`<time title=${exact(at)}>${relative(at)}</time>`,
    },
    {
      title: '',
      cell: (row) => html`<span class="gh-row-actions">
        ${rowButton('Set password', row.username, () => void this.#password(row))}
        ${rowButton(row.is_active ? 'Deactivate' : 'Activate', row.username, () => void this.#toggle(row))}
        ${editButton(this, { path: this.path, row, title: row.username })}
        ${deleteButton(this, { path: this.path, row, title: row.username })}
      </span>`,
    },
  ];

  protected override actions() {
    return html`<button type="button" class="pf-v6-c-button pf-m-primary" @click=${() => void this.#create()}>
      New user
    </button>`;
  }

  async #create(): Promise<void> {
    let name = '';
    const made = (row: Row) => {
      name = String(row['username']);
    };
    const question = await makeQuestion(this.api, { path: this.path, made });
    await this.askAndDo(question, () => `${name} was created.`);
  }

  async #password({ pk, username }: UserRow): Promise<void> {
    const question = {
      title: `New password for ${username}`,
      action: 'Set',
      work: (values: Values) => this.api.send('POST', `${this.path}${pk}/set_password/`, values),
      body: html`<p>Sessions that the old one opened end at once.</p>
        ${inputField({ name: 'password', label: 'New password', type: 'password', autocomplete: 'new-password', required: true })}`,
    };
    await this.askAndDo(question, () => `The password of ${username} was set.`);
  }

  async #toggle({ pk, username, is_active: active }: UserRow): Promise<void> {
    const question = {
      title: `Deactivate ${username}?`,
      body: 'Every session and connection ends at once.',
      action: 'Deactivate',
    };
    if (active && (await ask({ ...question, dangerous: true })) === undefined) return;
    await this.act(`${username} was ${active ? 'deactivated' : 'activated'}.`, () =>
      this.api.send('PATCH', `${this.path}${pk}/`, { is_active: !active }),
    );
  }
}

function badge(active: boolean) {
  return active
    ? html`<span class="gh-badge">active</span>`
    : html`<span class="gh-badge gh-badge--off">inactive</span>`;
}
