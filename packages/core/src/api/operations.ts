// What the API can be asked: collected from the routes as rooms add them, for the OpenAPI document and for 405.
import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import type { Model, Verb } from '../models/model.ts';

export interface Operation {
  /** Routes of a model describe themselves. */
  readonly model?: Model;
  readonly verb?: Verb;
  readonly summary?: string;
  readonly body?: z.ZodType;
  /** Sent by this content type instead of JSON. */
  readonly consumes?: string;
  readonly answer?: z.ZodType;
  /** Answers one row of this model. */
  readonly row?: Model;
  /** Answered by this content type instead of JSON. */
  readonly produces?: string;
  /** Answers without a body, and yet by 200. */
  readonly isEmpty?: boolean;
  readonly status?: 200 | 201 | 204;
  /** Needs no login. */
  readonly open?: boolean;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    operation?: Operation;
  }
}

export interface Route {
  readonly method: string;
  /** With `:name` for parameters. */
  readonly path: string;
  readonly operation: Operation;
}

export interface Operations {
  readonly routes: readonly Route[];
  /** Methods of the routes that a path matches. */
  methodsFor(path: string): readonly string[];
}

/** Call before any route is added. */
export function collectOperations(server: FastifyInstance): Operations {
  const routes: Route[] = [];
  server.addHook('onRoute', ({ method, url, config }) => {
    for (const one of typeof method === 'string' ? [method] : method)
      if (one !== 'HEAD') routes.push({ method: one, path: url, operation: config?.operation ?? {} });
  });
  return {
    routes,
    methodsFor: (path) => [...new Set(routes.filter((route) => matches(route.path, path)).map(({ method }) => method))],
  };
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  return (
    wanted.length === given.length &&
    wanted.every((part, at) => (part.startsWith(':') ? given[at] !== '' : part === given[at]))
  );
}
