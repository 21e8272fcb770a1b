// The per-usage manager (files.md §2.3): the only thing other code talks to. First responsible backend wins, the
// management backend is the catch-all; one value that cannot be resolved never spoils an answer.
import type {
  Backend,
  ByteRange,
  FileContent,
  ListedFile,
  Manageability,
  ManageableBackend,
  UrlContext,
} from './backend.ts';
import { checkContent, sniffBytes } from './content-check.ts';
import { contentTypeOf } from './content-types.ts';
import { storageError } from './errors.ts';
import type { FileName } from './names.ts';
import { cleanSvg, maxSvgBytes } from './svg-cleaning.ts';
import { type ThemedUrls, themedValues } from './themes.ts';
import type { Usage } from './usages.ts';

export interface StorageManager {
  readonly usage: Usage;
  /** Backends in order of evaluation. */
  readonly backends: readonly Backend[];
  manageable(): Promise<Manageability>;
  /** Management backend only, with `managedOnly`; else all backends, in order. */
  list(tenant: string, managedOnly?: boolean): AsyncIterable<ListedFile>;
  /** Empty text for an empty or absent value. */
  url(value: string | undefined, context: UrlContext): Promise<string>;
  /** `undefined` for an empty value and for one without the placeholder. */
  themedUrls(value: string | undefined, context: UrlContext): Promise<ThemedUrls | undefined>;
  /** Checks the content against the name, cleans SVG, and stores it whole. */
  save(name: FileName, content: AsyncIterable<Uint8Array>, options: SaveOptions): Promise<SavedFile>;
  open(name: FileName, options: { readonly tenant: string; readonly range?: ByteRange }): Promise<FileContent>;
  delete(name: FileName, tenant: string): Promise<boolean>;
  exists(name: FileName, tenant: string): Promise<boolean>;
}

export interface SaveOptions {
  readonly tenant: string;
  readonly maxBytes?: number;
  readonly overwrite?: boolean;
  readonly signal?: AbortSignal;
}

export interface SavedFile {
  readonly name: FileName;
  readonly size: number;
  readonly sha256: string;
  readonly contentType: string;
}

export interface ManagerOptions {
  readonly usage: Usage;
  readonly readOnly: readonly Backend[];
  readonly management: ManageableBackend;
  /** Whether content is held against its name; reports are written by the core itself. */
  readonly checkContent: boolean;
  readonly allowAnyType: boolean;
}

export function createStorageManager(options: ManagerOptions): StorageManager {
  const { management } = options;
  const backends: readonly Backend[] = [...options.readOnly, management];
  const responsible = (value: string) => backends.find((backend) => backend.recognises(value)) ?? management;
  const url = async (value: string | undefined, context: UrlContext) =>
    value === undefined || value === '' ? '' : responsible(value).url(value, context);

  return {
    usage: options.usage,
    backends,
    manageable: () => management.manageable(),
    list: (tenant, managedOnly = false) => concatenate(managedOnly ? [management] : backends, tenant),
    url,
    async themedUrls(value, context) {
      const variants = value === undefined ? undefined : themedValues(value);
      if (variants === undefined) return undefined;
      return { light: await url(variants.light, context), dark: await url(variants.dark, context) };
    },
    async save(name, content, save) {
      const contentType = contentTypeOf(name);
      const checked = options.checkContent ? inspected(name, contentType, content, options.allowAnyType) : content;
      const written = await management.put(name, checked, { ...save, contentType });
      return { name, contentType, ...written };
    },
    open: (name, open) => management.get(name, open),
    delete: (name, tenant) => management.delete(name, { tenant }),
    exists: (name, tenant) => management.exists(name, { tenant }),
  };
}

async function* concatenate(backends: readonly Backend[], tenant: string): AsyncIterable<ListedFile> {
  for (const backend of backends) yield* backend.list(tenant);
}

async function* inspected(name: string, type: string, content: AsyncIterable<Uint8Array>, allowAnyType: boolean) {
  if (type === 'image/svg+xml') {
    yield cleanSvg(name, await gather(name, content));
    return;
  }
  let head = Buffer.alloc(0);
  let passed = false;
  for await (const chunk of content) {
    if (passed) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.byteLength < sniffBytes) continue;
    checkContent(name, head, { allowAnyType });
    passed = true;
    yield head;
  }
  if (passed) return;
  checkContent(name, head, { allowAnyType });
  yield head;
}

async function gather(name: string, content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.byteLength;
    if (bytes > maxSvgBytes) throw svgTooLarge(name);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function svgTooLarge(name: string) {
  return storageError(
    'ERR_STORAGE_TOO_LARGE',
    `SVG "${name}" is larger than ${maxSvgBytes} bytes.`,
    'Simplify the drawing.',
  );
}
