// The two buttons that rows of any list have.
import type { TemplateResult } from 'lit';
import type { Api } from '../../call/api.ts';
import { rowButton } from '../../elements/button.ts';
import type { Question } from '../../elements/dialog.ts';
import type { Row } from './models.ts';
import { deleteQuestion, editQuestion } from './questions.ts';

/** A section whose rows can be changed. */
export interface Asking {
  readonly api: Api;
  askWhenReady(preparing: Promise<Question>, done: string): Promise<void>;
}

interface Named {
  readonly path: string;
  readonly row: Row;
  readonly title: string;
}

export function editButton(section: Asking, { path, row, title }: Named): TemplateResult {
  const edit = () => void section.askWhenReady(editQuestion(section.api, path, row), `${title} was saved.`);
  return rowButton('Edit', title, edit);
}

export function deleteButton(section: Asking, { path, row, title }: Named): TemplateResult {
  const remove = () => void section.askWhenReady(deleteQuestion(section.api, path, row), `${title} was deleted.`);
  return rowButton('Delete', title, remove);
}
