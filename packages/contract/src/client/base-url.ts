// Where the core is (core-contract §1.2, B14): the base may lack its final slash, have a path, or be a unix socket, with a
// path behind a colon (`unix:///run/core.sock:/auth/`).

export interface CoreAddress {
  /** Origin for HTTP requests; `http://localhost` when a socket is used. */
  readonly origin: string;
  /** Path prefix, with slashes at both ends. */
  readonly prefix: string;
  readonly socketPath: string | undefined;
  /** Query of the given URL, kept for the websocket only. */
  readonly query: URLSearchParams;
}

export function coreAddress(host: string): CoreAddress {
  const url = new URL(host);
  if (url.protocol !== 'unix:')
    return { origin: url.origin, prefix: slashed(url.pathname), socketPath: undefined, query: url.searchParams };
  const [, socket = '', prefix = '/'] = /^(.*?)(?::(\/.*))?$/.exec(url.pathname) ?? [];
  return {
    origin: 'http://localhost',
    prefix: slashed(prefix),
    socketPath: decodeURIComponent(socket),
    query: url.searchParams,
  };
}

/** The base URL of a core behind a unix socket. @param prefix with slashes at both ends */
export function socketAddress(socketPath: string, prefix: string): string {
  const escaped = encodeURI(socketPath).replaceAll('?', '%3F').replaceAll('#', '%23').replaceAll(':', '%3A');
  return `unix://${escaped}${prefix === '/' ? '' : `:${prefix}`}`;
}

const slashed = (path: string) => (path.endsWith('/') ? path : `${path}/`);

/** core-contract §5.1: the control channel's URL, the given query first, keys in order. */
export function controlChannelUrl(
  address: CoreAddress,
  outpostPk: string,
  instanceUuid: string,
  attempt: number,
): string {
  const query = new URLSearchParams(address.query);
  query.set('instance_uuid', instanceUuid);
  query.set('attempt', String(attempt));
  query.sort();
  const origin =
    address.socketPath === undefined ? address.origin.replace(/^http/, 'ws') : `ws+unix://${address.socketPath}:`;
  return `${origin}${address.prefix}ws/outpost/${outpostPk}/?${query}`;
}
