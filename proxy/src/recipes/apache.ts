// Apache httpd (proxy.md §14.8): in front of proxy mode, since it has no authentication sub-request.
import type { RecipeSite } from './recipe.ts';

/** Modules: proxy, proxy_http, headers; TLS as usual. */
export function apache({ publicHost, listen, outpost }: RecipeSite): string {
  const address = listen.includes(':') ? listen : `*:${listen}`;
  return `<VirtualHost ${address}>
    ServerName ${publicHost.split(':')[0]}
    AllowEncodedSlashes NoDecode
    ProxyPreserveHost On
    # Apache adds to what a client sends; the outpost must see Apache's word only.
    RequestHeader unset X-Forwarded-Host
    RequestHeader unset X-Forwarded-For
    RequestHeader unset X-Forwarded-Server
    RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME}
    ProxyPass        / http://${outpost}/ nocanon upgrade=websocket flushpackets=on
    ProxyPassReverse / http://${outpost}/
</VirtualHost>
`;
}
