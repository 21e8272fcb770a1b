// Uploads one file (files.md §8.2) and tells how far it is, which `fetch` cannot.
import { ApiProblem, problemOf } from '../call/api.ts';
import { csrfToken } from '../call/csrf.ts';

export interface StoredFile {
  readonly name: string;
  readonly mime_type: string;
  readonly size: number;
  readonly url: string;
}

export interface Upload {
  readonly done: Promise<StoredFile>;
  abort(): void;
}

/** @param url of the file list, @param onProgress share of the bytes sent, 0–1; `done` rejects with an ApiProblem */
export function upload(url: string, file: File, name: string, onProgress: (share: number) => void): Upload {
  const request = new XMLHttpRequest();
  const form = new FormData();
  // The name goes first, so that the core can store the bytes as they arrive.
  form.append('name', name);
  form.append('file', file);
  const done = new Promise<StoredFile>((resolve, reject) => {
    request.upload.addEventListener('progress', ({ loaded, total }) => onProgress(total === 0 ? 0 : loaded / total));
    request.addEventListener('load', () => {
      const { status, responseText } = request;
      if (status >= 200 && status < 300) resolve(JSON.parse(responseText));
      else reject(problemOf({ status, headers: retryHeader(request) }, responseText));
    });
    request.addEventListener('error', () => reject(new ApiProblem(0, 'The connection broke off. Nothing was stored.')));
    request.addEventListener('abort', () => reject(new ApiProblem(0, 'Cancelled. Nothing was stored.')));
  });
  request.open('POST', url);
  request.setRequestHeader('X-authentik-CSRF', csrfToken());
  request.setRequestHeader('Accept', 'application/json');
  request.send(form);
  return { done, abort: () => request.abort() };
}

function retryHeader(request: XMLHttpRequest): Headers {
  const after = request.getResponseHeader('Retry-After');
  return new Headers(after === null ? {} : { 'Retry-After': after });
}

/** A name that every rule of files.md §6.1 allows, as near as possible to what the file is called. */
export function fileName(given: string): string {
  const plain = given.normalize('NFKD').replaceAll(/\p{Mark}/gu, '');
  return plain.replaceAll(/[^a-zA-Z0-9._-]+/g, '-').replaceAll(/^[-.]+|-+(?=\.)|-+$/g, '') || 'file';
}
