// Questions that change a stored file (files.md §15.2 "Rename, replace"): another name, which everything that shows it takes
// along, and another content under the same name.
import { html, nothing, type TemplateResult } from 'lit';
import type { Api } from '../call/api.ts';
import type { Question } from '../elements/dialog.ts';
import { inputField } from '../elements/field.ts';
import { type StoredFile, upload } from './upload.ts';

const listUrl = '/admin/file/';

export function renaming(api: Api, name: string): Question {
  const address = `${listUrl}?${new URLSearchParams({ name })}`;
  return {
    title: `Rename ${name}`,
    body: (errors: Readonly<Record<string, readonly string[]>>) =>
      inputField({
        name: 'name',
        label: 'New name',
        value: name,
        help: 'What shows this file takes the new name along.',
        errors: errors['name'] ?? [],
        autocomplete: 'off',
      }),
    action: 'Rename',
    work: ({ name: to }) => api.send('PATCH', address, { name: to }),
  };
}

/** @param onStored gets the file as it is now */
export function replacing(api: Api, name: string, onStored: (stored: StoredFile) => Promise<void>): Question {
  let chosen: File | undefined;
  const progress = document.createElement('progress');
  progress.max = 1;
  progress.hidden = true;
  progress.setAttribute('aria-label', `Upload of ${name}`);
  return {
    title: `Replace ${name}`,
    body: contentOf(name, progress, (file) => {
      chosen = file;
    }),
    action: 'Replace',
    async work() {
      if (chosen === undefined) throw new Error('Choose a file first.');
      progress.hidden = false;
      const url = api.url(listUrl, { detail: true, replace: true });
      await onStored(
        await upload(url, chosen, name, (share) => {
          progress.value = share;
        }).done,
      );
    },
  };
}

function contentOf(name: string, progress: Element, choose: (file: File | undefined) => void): TemplateResult {
  const chosen = ({ target }: Event) => choose(target instanceof HTMLInputElement ? target.files?.[0] : undefined);
  const ending = /\.[^.]+$/.exec(name)?.[0];
  return html`<p>What shows this file shows the new content from then on. The old one is gone.</p>
    <label class="pf-v6-c-form__label" for="new-content"
      ><span class="pf-v6-c-form__label-text">New content</span></label
    >
    <input id="new-content" type="file" accept=${ending ?? nothing} @change=${chosen} />
    ${progress}`;
}
