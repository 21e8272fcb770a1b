// Where the core is (core-contract §1.2, B14): the base may lack its final slash, have a path, or be a unix socket.

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
  if (url.protocol === 'unix:')
    return {
      origin: 'http://localhost',
      prefix: '/',
      socketPath: decodeURIComponent(url.pathname),
      query: url.searchParams,
    };
  const prefix = url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`;
  return { origin: url.origin, prefix, socketPath: undefined, query: url.searchParams };
}

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
