// Pages of lists (core-contract §2.4): 1-based, of the size that the settings say, past the end is 404.
import { ApiFailure } from './failure.ts';

export interface PageRequest {
  readonly page: number;
  readonly size: number;
  readonly offset: number;
}

interface PageSizes {
  readonly pagination_default_page_size: number;
  readonly pagination_max_page_size: number;
}

export function readPageRequest(query: URLSearchParams, sizes: PageSizes): PageRequest {
  const page = Math.max(1, Number.parseInt(query.get('page') ?? '1', 10) || 1);
  const size = Math.min(
    sizes.pagination_max_page_size,
    Math.max(1, Number.parseInt(query.get('page_size') ?? '', 10) || sizes.pagination_default_page_size),
  );
  return { page, size, offset: (page - 1) * size };
}

/** The envelope around the rows of one page. @throws ApiFailure 404 past the end */
export function pageOf<Row>({ page, size, offset }: PageRequest, count: number, results: readonly Row[]) {
  const pages = Math.max(1, Math.ceil(count / size));
  if (page > pages) throw new ApiFailure(404, { detail: 'Invalid page.' });
  return {
    pagination: {
      next: page < pages ? page + 1 : 0,
      previous: page - 1,
      count,
      current: page,
      total_pages: pages,
      start_index: count === 0 ? 0 : offset + 1,
      end_index: offset + results.length,
    },
    results,
    autocomplete: {},
  };
}
