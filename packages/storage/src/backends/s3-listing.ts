// ListObjectsV2, all pages (files.md §5.3). The answers are XML.
import { XMLParser } from 'fast-xml-parser';
import type { ListedFile } from '../backend.ts';
import { storageError } from '../errors.ts';
import type { S3Client } from './s3-client.ts';

/** Every object below `prefix`, with its whole key as name. */
export async function* listObjects(client: S3Client, prefix: string): AsyncIterable<ListedFile> {
  let continuation: string | undefined;
  do {
    const query: Record<string, string> = { 'list-type': '2', prefix };
    if (continuation !== undefined) query['continuation-token'] = continuation;
    const page = parsePage(await (await client.send('GET', '', { query, accept: [200] })).text());
    yield* page.files;
    continuation = page.next;
  } while (continuation !== undefined);
}

function parsePage(text: string): { files: ListedFile[]; next: string | undefined } {
  const parser = new XMLParser({ isArray: (name) => name === 'Contents', parseTagValue: false });
  const result = fields(fields(parser.parse(text))['ListBucketResult']);
  if (Object.keys(result).length === 0) {
    const hint = 'Check that endpoint names an S3 service.';
    throw storageError('ERR_STORAGE_UNAVAILABLE', 'The S3 service answered a listing with something else.', hint);
  }
  const contents = Array.isArray(result['Contents']) ? result['Contents'].map(fields) : [];
  const files = contents.map((row) => ({
    name: String(row['Key'] ?? ''),
    size: Number(row['Size'] ?? 0),
    modifiedAt: new Date(String(row['LastModified'] ?? 0)),
  }));
  const next = result['IsTruncated'] === 'true' ? String(result['NextContinuationToken'] ?? '') : undefined;
  return { files, next: next === '' ? undefined : next };
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
