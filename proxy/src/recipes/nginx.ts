// nginx, forward authentication (proxy.md §14.1).
import { passedHeaderNames } from './passed-headers.ts';
import type { RecipeSite } from './recipe.ts';

/** For inside `http { … }`. */
export function nginx({ publicHost, listen, outpost, application }: RecipeSite): string {
  const serverName = publicHost.split(':')[0];
  const variable = (name: string) => `$ak_${name.toLowerCase().replace('x-authentik-', '').replaceAll('-', '_')}`;
  const upstream = (name: string) => `$upstream_http_${name.toLowerCase().replaceAll('-', '_')}`;
  const taken = passedHeaderNames
    .map((name) => `        auth_request_set ${variable(name)} ${upstream(name)};`)
    .join('\n');
  const passed = passedHeaderNames.map((name) => `        proxy_set_header ${name} ${variable(name)};`).join('\n');
  return `map $http_upgrade $ak_connection { default upgrade; '' ''; }
upstream ak_outpost { server ${outpost}; keepalive 32; }
upstream ak_app     { server ${application}; keepalive 32; }

server {
    listen ${listen};
    server_name ${serverName};
    proxy_http_version 1.1;
    proxy_buffer_size 32k;
    proxy_buffers 8 16k;
    client_max_body_size 0;

    location / {
        auth_request      /outpost.goauthentik.io/auth/nginx;
        error_page 401 =  @ak_signin;
        auth_request_set $ak_cookie   $upstream_http_set_cookie;
        auth_request_set $ak_location $upstream_http_x_outpost_location;
${taken}
        add_header Set-Cookie $ak_cookie always;
        # Every identity header is set: one that is missing here would be taken from the client.
${passed}
        # Only with "Send HTTP-Basic Authentication":
        # auth_request_set $ak_auth $upstream_http_authorization; proxy_set_header Authorization $ak_auth;
        proxy_set_header Host              $http_host;
        proxy_set_header X-Forwarded-Host  $http_host;
        proxy_set_header X-Forwarded-For   $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header Upgrade           $http_upgrade;
        proxy_set_header Connection        $ak_connection;
        proxy_pass http://ak_app;
    }
    location = /outpost.goauthentik.io/auth/nginx {
        internal;                                   # not callable from outside
        proxy_pass http://ak_outpost;
        proxy_pass_request_body off;
        proxy_set_header Content-Length    "";
        proxy_set_header Connection        "";
        proxy_set_header Upgrade           $http_upgrade;
        proxy_set_header Host              $http_host;
        proxy_set_header X-Forwarded-Host  $http_host;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-For   $remote_addr;
        proxy_set_header X-Original-Method $request_method;
        proxy_set_header X-Original-URI    "";
        proxy_set_header X-Original-URL    $scheme://$http_host$request_uri;
    }
    location /outpost.goauthentik.io/ {
        proxy_pass http://ak_outpost;
        proxy_set_header Connection        "";
        proxy_set_header Host              $http_host;
        proxy_set_header X-Forwarded-Host  $http_host;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-For   $remote_addr;
    }
    location @ak_signin {
        internal;
        add_header Set-Cookie $ak_cookie always;
        if ($ak_location) { return 302 $ak_location; }
        return 401;                                 # scripts and API clients
    }
}
`;
}
