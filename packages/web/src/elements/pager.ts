// Pages of a list.
import { html, nothing, type TemplateResult } from 'lit';

export interface Pagination {
  readonly count: number;
  readonly current: number;
  readonly total_pages: number;
}

export function pager(
  { current, total_pages: total }: Pagination,
  go: (page: number) => void,
): TemplateResult | typeof nothing {
  if (total <= 1) return nothing;
  const step = (text: string, page: number) => html`<button
    type="button"
    class="pf-v6-c-button pf-m-secondary pf-m-small"
    ?disabled=${page < 1 || page > total}
    @click=${() => go(page)}
  >
    ${text}
  </button>`;
  return html`<nav class="gh-pager" aria-label="Pages">
    ${step('Previous', current - 1)} <span>Page ${current} of ${total}</span> ${step('Next', current + 1)}
  </nav>`;
}
