// Searching, sorting and paging a listing (files.md §15.2). The listing is the truth; this only chooses from it.
import type { ListedFile } from './backend.ts';

export interface FileQuery {
  /** Part of a name, capitals ignored on both sides (files.md F24). */
  readonly search?: string;
  readonly sort?: 'name' | 'size' | 'modified';
  readonly descending?: boolean;
  /** From 1. */
  readonly page?: number;
  /** 100 unless given; whoever takes it from outside limits it. */
  readonly pageSize?: number;
}

export interface FilePage {
  readonly files: readonly ListedFile[];
  /** Of all pages. */
  readonly count: number;
  readonly pages: number;
}

/** One page; a page behind the last is empty. Equal sizes and times are in order of name, so that pages do not overlap. */
export async function pageOfFiles(listing: AsyncIterable<ListedFile>, query: FileQuery): Promise<FilePage> {
  const { search = '', sort = 'name', descending = false } = query;
  const pageSize = Math.max(1, query.pageSize ?? 100);
  const page = Math.max(1, query.page ?? 1);
  const needle = search.toLowerCase();
  const found: ListedFile[] = [];
  for await (const file of listing) if (file.name.toLowerCase().includes(needle)) found.push(file);
  const direction = descending ? -1 : 1;
  found.sort((one, other) => direction * (keyOf(one, sort) - keyOf(other, sort) || compareNames(one, other)));
  return {
    files: found.slice((page - 1) * pageSize, page * pageSize),
    count: found.length,
    pages: Math.ceil(found.length / pageSize),
  };
}

function keyOf(file: ListedFile, sort: 'name' | 'size' | 'modified'): number {
  if (sort === 'size') return file.size ?? 0;
  return sort === 'modified' ? (file.modifiedAt?.getTime() ?? 0) : 0;
}

function compareNames(one: ListedFile, other: ListedFile): number {
  if (one.name === other.name) return 0;
  return one.name < other.name ? -1 : 1;
}
