// `PFX/.well-known/jwks.json`: the public key of the assertions for this application (proxy.md §17.16).
import type { ModeContext } from '../modes/context.ts';
import type { Answer } from '../request/answer.ts';

export function keySet({ application }: ModeContext): Answer {
  const headers = ['Content-Type', 'application/json', 'Cache-Control', 'public, max-age=300'];
  return {
    kind: 'public',
    status: 200,
    headers,
    body: `${JSON.stringify({ keys: [application.asserter.publicJwk] })}\n`,
  };
}
