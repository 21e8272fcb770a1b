// Routes below `/application/o/` (core.md §17.1).
import { clientAddress } from '../api/authentication.ts';
import type { ApiReply, ApiRequest } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import type { CoreDeps } from '../deps.ts';
import { authorize } from './authorize.ts';
import { type Client, clientBySlug } from './client.ts';
import { allowOrigin } from './cross-origin.ts';
import { devicePage } from './device-page.ts';
import { startDeviceGrant } from './device-start.ts';
import { discovery } from './discovery.ts';
import { OauthFailure } from './failure.ts';
import { endSession } from './logout.ts';
import { refusalPage } from './page.ts';
import { introspect, revoke, userinfo } from './resource.ts';
import { keySetOf } from './signing.ts';
import { token } from './token.ts';

const root = '/application/o';

export function registerOidcRoutes(server: Api, deps: CoreDeps): void {
  void server.register(async (scope) => {
    scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
      done(null, body),
    );
    for (const method of ['GET', 'POST'] as const) {
      scope.route({ method, url: `${root}/authorize/`, handler: (request, reply) => asked(deps, request, reply) });
      scope.route({
        method,
        url: `${root}/userinfo/`,
        handler: async (request, reply) => {
          await allowOrigin(deps, request, reply);
          return userinfo(deps, request, reply);
        },
      });
    }
    scope.post(`${root}/token/`, async (request, reply) => {
      await allowOrigin(deps, request, reply);
      return answer(request, reply, async () => token(deps, request, await clientAddress(deps, request)));
    });
    scope.post(`${root}/device/`, (request, reply) =>
      answer(request, reply, async () => startDeviceGrant(deps, request, reply, await clientAddress(deps, request))),
    );
    for (const path of ['/device', '/device/']) scope.get(path, (request, reply) => devicePage(deps, request, reply));
    scope.post(`${root}/introspect/`, (request, reply) => answer(request, reply, () => introspect(deps, request)));
    scope.post(`${root}/revoke/`, (request, reply) => answer(request, reply, () => revoke(deps, request)));
    for (const path of ['token', 'userinfo'])
      scope.options(`${root}/${path}/`, async (request, reply) => {
        await allowOrigin(deps, request, reply);
        return reply.code(204).send();
      });
    perApplication(scope, deps);
  });
}

/** Refusals before the client is known are a page: nobody else would see them. */
async function asked(deps: CoreDeps, request: ApiRequest, reply: ApiReply) {
  try {
    return await authorize(deps, request, reply);
  } catch (error) {
    if (error instanceof OauthFailure) return refusalPage(deps, reply, { status: error.status, text: error.message });
    throw error;
  }
}

function perApplication(scope: Api, deps: CoreDeps): void {
  const serve =
    (work: (client: Client, request: ApiRequest, reply: ApiReply) => Promise<unknown>) =>
    async (request: ApiRequest, reply: ApiReply) => {
      const { params } = request;
      const slug: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, 'slug') : '';
      const client = await clientBySlug(deps, String(slug));
      if (client === undefined) return reply.code(404).send({ detail: 'Not found.' });
      return work(client, request, reply);
    };
  const describe = serve(async (client, request, reply) => {
    await allowOrigin(deps, request, reply);
    return discovery(deps, request, client);
  });
  const config = `${root}/:slug/.well-known/openid-configuration`;
  for (const path of [config, `/.well-known/oauth-authorization-server${root}/:slug/`]) {
    scope.get(path, describe);
    scope.options(path, async (request, reply) => {
      await allowOrigin(deps, request, reply);
      return reply.code(204).send();
    });
  }
  scope.get(
    `${root}/:slug/`,
    serve(async ({ application }, _request, reply) =>
      reply.redirect(`${deps.webPath}application/o/${application.slug}/.well-known/openid-configuration`, 302),
    ),
  );
  scope.get(
    `${root}/:slug/jwks/`,
    serve(async (client, _request, reply) => {
      reply.header('Access-Control-Allow-Origin', '*');
      return keySetOf(deps, client);
    }),
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
