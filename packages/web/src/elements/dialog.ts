// Questions in front of the page, by the browser's own dialog: it keeps the focus, closes by Escape, and gives the focus back.
import { html, render, type TemplateResult } from 'lit';

export interface Question {
  readonly title: string;
  readonly body: unknown;
  /** Words of the button that does it. */
  readonly action: string;
  readonly dangerous?: boolean;
}

/** Asks. @returns the values of the named controls in the question, or `undefined` when it was cancelled */
export function ask(question: Question): Promise<Readonly<Record<string, string>> | undefined> {
  const dialog = document.createElement('dialog');
  dialog.className = 'gh-dialog';
  dialog.setAttribute('aria-labelledby', 'dialog-title');
  return new Promise((resolve) => {
    const close = (values: Readonly<Record<string, string>> | undefined) => {
      dialog.close();
      dialog.remove();
      resolve(values);
    };
    dialog.addEventListener('cancel', (event) => {
      event.preventDefault();
      close(undefined);
    });
    render(content(question, close), dialog);
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Tells something that has to be read. */
export async function tell(title: string, body: unknown): Promise<void> {
  await ask({ title, body, action: 'Done' });
}

function content(
  { title, body, action, dangerous = false }: Question,
  close: (values: Readonly<Record<string, string>> | undefined) => void,
): TemplateResult {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (!(event.target instanceof HTMLFormElement)) return;
    const pairs = [...new FormData(event.target)].map(([name, value]): [string, string] => [name, String(value)]);
    close(Object.fromEntries(pairs));
  };
  return html`<form class="pf-v6-c-form" @submit=${submit}>
    <h2 class="pf-v6-c-title pf-m-lg" id="dialog-title">${title}</h2>
    <div class="gh-dialog__body">${body}</div>
    <div class="gh-dialog__actions">
      <button type="submit" class="pf-v6-c-button ${dangerous ? 'pf-m-danger' : 'pf-m-primary'}">${action}</button>
      ${
        action === 'Done'
          ? ''
          : html`<button type="button" class="pf-v6-c-button pf-m-link" @click=${() => close(undefined)}>Cancel</button>`
      }
    </div>
  </form>`;
}
