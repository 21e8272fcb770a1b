// Content type by extension: the one table for listing, uploading and serving (files.md §6.3).

const types: Readonly<Record<string, string>> = {
  avif: 'image/avif',
  css: 'text/css',
  csv: 'text/csv',
  gif: 'image/gif',
  html: 'text/html',
  ico: 'image/vnd.microsoft.icon',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  js: 'text/javascript',
  json: 'application/json',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  tar: 'application/x-tar',
  ttf: 'font/ttf',
  txt: 'text/plain',
  webp: 'image/webp',
  woff: 'font/woff',
  woff2: 'font/woff2',
  xml: 'application/xml',
  zip: 'application/zip',
};

/** The content type for a name, by its last extension, ignoring case; `application/octet-stream` when unknown. */
export function contentTypeOf(name: string): string {
  const file = name
    .slice(name.lastIndexOf('/') + 1)
    .toLowerCase()
    .replace(/\.gz$/, '');
  const extension = file.includes('.') ? file.slice(file.lastIndexOf('.') + 1) : '';
  return Object.hasOwn(types, extension) ? (types[extension] ?? octetStream) : octetStream;
}

const octetStream = 'application/octet-stream';
