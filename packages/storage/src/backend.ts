// The two interfaces every backend stands behind (files.md §2, §15.4). The tenant is an argument, never ambient.
import type { FileName } from './names.ts';

/** Who asks for a URL: with an origin (`https://host`) it is absolute, without it is relative to the origin. */
export interface UrlContext {
  readonly tenant: string;
  readonly origin?: string;
  readonly nowMs: number;
}

export interface ListedFile {
  /** As found in the store: may break the naming rules when placed by hand. */
  readonly name: string;
  readonly size?: number;
  readonly modifiedAt?: Date;
}

export interface Backend {
  readonly name: 'static' | 'passthrough' | 'file' | 's3';
  recognises(value: string): boolean;
  list(tenant: string): AsyncIterable<ListedFile>;
  url(value: string, context: UrlContext): Promise<string>;
}

export type Manageability = { readonly manageable: true } | { readonly manageable: false; readonly reason: string };

export interface PutOptions {
  readonly tenant: string;
  readonly contentType: string;
  /** Bytes after which the upload is refused; nothing stays behind. */
  readonly maxBytes?: number;
  /** Without it an existing name is refused, atomically. */
  readonly overwrite?: boolean;
  readonly signal?: AbortSignal;
}

export interface ByteRange {
  readonly start: number;
  /** Inclusive. */
  readonly end: number;
}

export interface FileContent {
  readonly stream: AsyncIterable<Uint8Array>;
  /** Of the whole file, also when a range was asked for. */
  readonly size: number;
  readonly modifiedAt: Date;
}

export interface ManageableBackend extends Backend {
  manageable(): Promise<Manageability>;
  /** The file appears complete or not at all. @throws `ERR_STORAGE_EXISTS`, `ERR_STORAGE_TOO_LARGE`, … */
  put(
    name: FileName,
    content: AsyncIterable<Uint8Array>,
    options: PutOptions,
  ): Promise<{ size: number; sha256: string }>;
  /** @throws `ERR_STORAGE_NOT_FOUND` */
  get(name: FileName, options: { readonly tenant: string; readonly range?: ByteRange }): Promise<FileContent>;
  /** True when something was removed. */
  delete(name: FileName, options: { readonly tenant: string }): Promise<boolean>;
  /** @throws when the store cannot say */
  exists(name: FileName, options: { readonly tenant: string }): Promise<boolean>;
}
