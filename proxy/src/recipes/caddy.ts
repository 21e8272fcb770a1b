// Caddy, forward authentication (proxy.md §14.3), in the long form: `forward_auth` hands no cookie of an allowed request to the
// browser, so that clients with Basic or Bearer credentials would never get their session.
import { passedHeaderNames } from './passed-headers.ts';
import type { RecipeSite } from './recipe.ts';

/** A site block of a Caddyfile. */
export function caddy({ publicHost, outpost, application }: RecipeSite): string {
  const copied = passedHeaderNames.map((name) => `\t\t\t\trequest_header ${name} {rp.header.${name}}`).join('\n');
  return `http://${publicHost} {
	route {
		reverse_proxy /outpost.goauthentik.io/* ${outpost}
		# Under every alias that an application may read as the same name.
		request_header -*authentik*
		reverse_proxy ${outpost} {
			method GET
			rewrite /outpost.goauthentik.io/auth/caddy
			header_up X-Forwarded-Method {method}
			header_up X-Forwarded-Uri {uri}
			@renewed {
				status 2xx
				header Set-Cookie *
			}
			handle_response @renewed {
				header +Set-Cookie {rp.header.Set-Cookie}
${copied}
			}
			@allowed status 2xx
			handle_response @allowed {
${copied}
			}
		}
		reverse_proxy ${application}
	}
}
`;
}
