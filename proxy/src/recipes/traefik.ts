// Traefik, file provider (proxy.md §14.4).
import { passedHeaderNames } from './passed-headers.ts';
import type { RecipeSite } from './recipe.ts';

export function traefik({ publicHost, outpost, application, cookieName }: RecipeSite): string {
  const host = publicHost.split(':')[0];
  return `# On the entry point, since X_Authentik_Email is the same header to many applications:
#   --entryPoints.web.http.aliasHeadersStrategy=delete
http:
  middlewares:
    authentik:
      forwardAuth:
        address: http://${outpost}/outpost.goauthentik.io/auth/traefik
        trustForwardHeader: false        # true only behind another proxy that sets X-Forwarded-* itself
        authResponseHeaders:
${passedHeaderNames.map((name) => `          - ${name}`).join('\n')}
        addAuthCookiesToResponse: [${cookieName}]
        maxResponseBodySize: 4194304
  routers:
    app:
      rule: Host(\`${host}\`)
      middlewares: [authentik]
      service: app
    app-outpost:
      rule: Host(\`${host}\`) && PathPrefix(\`/outpost.goauthentik.io/\`)
      priority: 1000
      service: outpost
  services:
    app:     { loadBalancer: { servers: [ { url: "http://${application}" } ] } }
    outpost: { loadBalancer: { servers: [ { url: "http://${outpost}" } ], healthCheck: { path: /outpost.goauthentik.io/ping, interval: 5s } } }
`;
}
