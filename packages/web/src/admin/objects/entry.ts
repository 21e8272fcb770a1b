// One list of the administrators' page, for models that need no page of their own.
import type { TemplateResult } from 'lit';
import type { Query } from '../../call/api.ts';
import type { Column } from '../../elements/list-section.ts';
import type { Row } from './models.ts';
import type { ObjectSection } from './object-section.ts';

export interface Entry {
  /** Fragment of the address. */
  readonly name: string;
  readonly title: string;
  /** `Group`, as in "New group". */
  readonly singular: string;
  readonly path: string;
  readonly query?: Query;
  readonly columns: readonly Column<Row>[];
  /** Nothing can be made by hand. */
  readonly fixed?: boolean;
  /** Rows that cannot be deleted; `editable`: that can be changed, though. */
  readonly keeps?: 'editable' | 'untouched';
  /** What rows are called in messages, where they have no name. */
  readonly nameOf?: (row: Row) => string;
  /** Beside the search. */
  readonly actions?: (section: ObjectSection) => TemplateResult;
  /** In front of Edit and Delete. */
  readonly rowActions?: (section: ObjectSection, row: Row) => TemplateResult;
}
