// `GET /admin/file/` (files.md §8.1): the plain array that existing clients know, or pages with details for those who ask.
import {
  asFileName,
  contentTypeOf,
  isStaticPath,
  type ListedFile,
  pageOfFiles,
  storageError,
  type Usage,
} from '@gatehouse/storage';
import { pageOf } from '../api/pagination.ts';
import { type CoreFiles, tenant } from './core-files.ts';

export interface FileRow {
  readonly name: string;
  readonly mime_type: string;
  readonly url: string;
  readonly themed_urls: Readonly<Record<string, string>> | null;
}

const mostFiles = 100_000;

/** Static files first, then stored ones, each group by name. @throws GatewayError of the store */
export async function listFiles(files: CoreFiles, usage: Usage, origin: string, query: URLSearchParams) {
  const managedOnly = isTrue(query.get('manageable_only'));
  const search = query.get('search') ?? '';
  const listing = limited(files[usage].list(tenant, managedOnly));
  if (isTrue(query.get('detail'))) return detailedPage(files, listing, origin, query);
  const { files: found } = await pageOfFiles(listing, { search, pageSize: mostFiles });
  const [packaged, stored] = [true, false].map((is) => found.filter(({ name }) => isStaticPath(name) === is));
  return Promise.all([...(packaged ?? []), ...(stored ?? [])].map((file) => rowOf(files, file, origin)));
}

async function detailedPage(
  files: CoreFiles,
  listing: AsyncIterable<ListedFile>,
  origin: string,
  query: URLSearchParams,
) {
  const ordering = query.get('ordering') ?? 'name';
  const size = Math.min(500, Math.max(1, Number(query.get('page_size')) || 20));
  const page = Math.max(1, Number(query.get('page')) || 1);
  const sort = ordering.replace(/^-/, '');
  const found = await pageOfFiles(listing, {
    search: query.get('search') ?? '',
    sort: sort === 'size' || sort === 'modified' ? sort : 'name',
    descending: ordering.startsWith('-'),
    page,
    pageSize: size,
  });
  const rows = await Promise.all(
    found.files.map(async (file) => ({
      ...(await rowOf(files, file, origin)),
      size: file.size ?? null,
      modified: file.modifiedAt?.toISOString() ?? null,
      manageable: !isStaticPath(file.name),
      valid_name: isStaticPath(file.name) || asFileName(file.name) !== undefined,
    })),
  );
  return pageOf({ page, size, offset: (page - 1) * size }, found.count, rows);
}

async function rowOf(files: CoreFiles, { name }: ListedFile, origin: string): Promise<FileRow> {
  const [url, themed_urls] = await Promise.all([files.url(name, origin), files.themedUrls(name, origin)]);
  return { name, mime_type: contentTypeOf(name), url, themed_urls };
}

async function* limited(listing: AsyncIterable<ListedFile>): AsyncGenerator<ListedFile> {
  let count = 0;
  for await (const file of listing) {
    count += 1;
    if (count > mostFiles) {
      const hint = 'Remove files that nobody uses, see /admin/file/references/.';
      throw storageError('ERR_STORAGE_UNAVAILABLE', `There are more than ${mostFiles} files to list.`, hint);
    }
    yield file;
  }
}

/** Truth in a query, as other lists read it. */
export function isTrue(value: string | null): boolean {
  return value !== null && /^(?:true|1|on|yes)$/i.test(value);
}
