// Questions in front of the page, by the browser's own dialog: it keeps the focus, closes by Escape, and gives the focus back.
import { html, nothing, render, type TemplateResult } from 'lit';
import { ApiProblem } from '../call/api.ts';
import { submitState } from './button.ts';
import { notice } from './notice.ts';

export type Values = Readonly<Record<string, string>>;

/** By field. */
export type Complaints = Readonly<Record<string, readonly string[]>>;

export interface Question {
  readonly title: string;
  /** What is asked; a function where complaints about fields are to stand at them. */
  readonly body: unknown | ((errors: Complaints) => unknown);
  /** Room for a form of many fields. */
  readonly wide?: boolean;
  /** Words of the button that does it. */
  readonly action: string;
  readonly dangerous?: boolean;
  /** Done before the dialog closes; when it fails, the dialog stays with what was typed, and says why. */
  readonly work?: (values: Values) => Promise<unknown>;
}

/** Asks. @returns the values of the named controls in the question, or `undefined` when it was cancelled */
export function ask(question: Question): Promise<Values | undefined> {
  const dialog = document.createElement('dialog');
  dialog.className = question.wide === true ? 'gh-dialog gh-dialog--wide' : 'gh-dialog';
  dialog.setAttribute('aria-labelledby', 'dialog-title');
  return new Promise((resolve) => {
    const close = (values: Values | undefined) => {
      dialog.close();
      dialog.remove();
      resolve(values);
    };
    const show = (state: State) => render(content(question, state, { submit, cancel: () => close(undefined) }), dialog);
    const submit = async (values: Values) => {
      show({ busy: true });
      try {
        await question.work?.(values);
        close(values);
      } catch (error) {
        show({ busy: false, ...problemOf(question, error) });
        // Elements inside draw themselves after this.
        requestAnimationFrame(() => dialog.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
      }
    };
    dialog.addEventListener('cancel', (event) => {
      event.preventDefault();
      close(undefined);
    });
    show({ busy: false });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Tells something that has to be read. */
export async function tell(title: string, body: unknown, wide = false): Promise<void> {
  await ask({ title, body, action: 'Done', wide });
}

interface State {
  readonly busy: boolean;
  readonly problem?: string;
  readonly fields?: Complaints;
}

/** Complaints about fields stand at them where the question can show them there. */
function problemOf({ body }: Question, error: unknown): Omit<State, 'busy'> {
  if (!(error instanceof ApiProblem)) return { problem: error instanceof Error ? error.message : String(error) };
  if (typeof body !== 'function' || Object.keys(error.fields).length === 0) return { problem: error.message };
  return { problem: 'This cannot be saved yet: see the fields below.', fields: error.fields };
}

interface Ways {
  readonly submit: (values: Values) => Promise<void>;
  readonly cancel: () => void;
}

function content(question: Question, { busy, problem, fields = {} }: State, { submit, cancel }: Ways): TemplateResult {
  const { title, body, action, dangerous = false } = question;
  const send = (event: SubmitEvent) => {
    event.preventDefault();
    if (busy || !(event.target instanceof HTMLFormElement)) return;
    const pairs = [...new FormData(event.target)].map(([name, value]): [string, string] => [name, String(value)]);
    void submit(Object.fromEntries(pairs));
  };
  const look = `${dangerous ? 'pf-m-danger' : 'pf-m-primary'} ${busy ? 'pf-m-progress pf-m-in-progress' : ''}`;
  return html`<form class="pf-v6-c-form" ?novalidate=${typeof body === 'function'} @submit=${send}>
    <h2 class="pf-v6-c-title pf-m-lg" id="dialog-title">${title}</h2>
    ${problem === undefined ? nothing : notice('danger', problem)}
    <div class="gh-dialog__body">${typeof body === 'function' ? body(fields) : body}</div>
    <div class="gh-dialog__actions">
      <button type="submit" class="pf-v6-c-button ${look}" aria-disabled=${busy ? 'true' : 'false'}>
        ${submitState(action, busy)}
      </button>
      ${
        action === 'Done'
          ? nothing
          : html`<button type="button" class="pf-v6-c-button pf-m-link" @click=${cancel}>Cancel</button>`
      }
    </div>
  </form>`;
}
