// Caddy, forward authentication (proxy.md §14.3).
import { passedHeaderNames } from './passed-headers.ts';
import type { RecipeSite } from './recipe.ts';

/** A site block of a Caddyfile. */
export function caddy({ publicHost, outpost, application }: RecipeSite): string {
  return `http://${publicHost} {
	route {
		reverse_proxy /outpost.goauthentik.io/* ${outpost}
		# Under every alias that an application may read as the same name.
		request_header -*authentik*
		forward_auth ${outpost} {
			uri /outpost.goauthentik.io/auth/caddy
			copy_headers ${passedHeaderNames.join(' ')}
		}
		reverse_proxy ${application}
	}
}
`;
}
