// Routes below `/application/o/` (core.md §17.1).
import type { ApiReply, ApiRequest } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import type { CoreDeps } from '../deps.ts';
import { authorize } from './authorize.ts';
import { type Client, findClient } from './client.ts';
import { discovery } from './discovery.ts';
import { OauthFailure } from './failure.ts';
import { endSession } from './logout.ts';
import { introspect, revoke, userinfo } from './resource.ts';
import { keySetOf } from './signing.ts';
import { token } from './token.ts';

const root = '/application/o';

export function registerOidcRoutes(server: Api, deps: CoreDeps): void {
  void server.register(async (scope) => {
    scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
      done(null, body),
    );
    scope.get(`${root}/authorize/`, (request, reply) => authorize(deps, request, reply));
    scope.post(`${root}/token/`, (request, reply) => answer(request, reply, () => token(deps, request)));
    scope.post(`${root}/introspect/`, (request, reply) => answer(request, reply, () => introspect(deps, request)));
    scope.post(`${root}/revoke/`, (request, reply) => answer(request, reply, () => revoke(deps, request)));
    for (const method of ['GET', 'POST'] as const)
      scope.route({ method, url: `${root}/userinfo/`, handler: (request, reply) => userinfo(deps, request, reply) });
    perApplication(scope, deps);
  });
}

function perApplication(scope: Api, deps: CoreDeps): void {
  const serve =
    (work: (client: Client, request: ApiRequest, reply: ApiReply) => Promise<unknown>) =>
    async (request: ApiRequest, reply: ApiReply) => {
      const { params } = request;
      const slug: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, 'slug') : '';
      const client = await findClient(deps, { slug: String(slug) });
      if (client === undefined) return reply.code(404).send({ detail: 'Not found.' });
      return work(client, request, reply);
    };
  const open = (work: (client: Client, request: ApiRequest) => Promise<object>) =>
    serve((client, request, reply) => {
      reply.header('Access-Control-Allow-Origin', '*');
      return work(client, request);
    });
  const config = `${root}/:slug/.well-known/openid-configuration`;
  scope.get(
    config,
    open((client, request) => discovery(deps, request, client)),
  );
  scope.get(
    `${root}/:slug/jwks/`,
    open((client) => keySetOf(deps, client)),
  );
  const logout = serve((client, request, reply) => endSession(deps, request, reply, client));
  for (const method of ['GET', 'POST'] as const)
    scope.route({ method, url: `${root}/:slug/end-session/`, handler: logout });
}

/** Answers are never cached (RFC 6749 §5.1); refusals are JSON. */
async function answer(request: ApiRequest, reply: ApiReply, work: () => Promise<object>) {
  reply.header('Cache-Control', 'no-store').header('Pragma', 'no-cache');
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OauthFailure)) throw error;
    const { status, code, message } = error;
    return reply.code(status).send({ error: code, error_description: message, request_id: request.id });
  }
}
