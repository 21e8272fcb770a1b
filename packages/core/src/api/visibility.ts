// Which rows a caller may see and touch (core.md §10.5).
import { type RawBuilder, sql } from 'kysely';
import type { CoreDeps } from '../deps.ts';
import { may, mayEverywhere, type Principal } from '../identity/permissions.ts';
import { type Action, type Model, permissionName, type Row } from '../models/model.ts';
import { equals, findRow, keyOf } from '../models/store.ts';
import { noPermission, notFound } from './failure.ts';
import { type ApiRequest, keyParameter, requirePrincipal } from './request.ts';

export function mayTouch(principal: Principal, model: Model, row: Row, action: Action): boolean {
  const owns = model.owner !== undefined && row[model.owner] === principal.user.id;
  if (owns || may(principal, permissionName(model, action), keyOf(model, row))) return true;
  return action === 'view' && seesByKey(principal, model);
}

/** Conditions on rows; 403 for somebody who sees none, unless an outpost asks. */
export function visibility(principal: Principal, model: Model): RawBuilder<boolean>[] {
  const permission = permissionName(model, 'view');
  if (mayEverywhere(principal, permission) || seesByKey(principal, model)) return [];
  if (model.owner !== undefined) return [equals(model.owner, principal.user.id)];
  const granted = [...principal.grants]
    .filter((grant) => grant.startsWith(`${permission}:`))
    .map((grant) => grant.slice(permission.length + 1));
  if (granted.length === 0 && principal.user.type !== 'internal_service_account') throw noPermission();
  if (granted.length === 0) return [sql<boolean>`false`];
  return [sql<boolean>`${sql.ref(model.key)}::text in (${sql.join(granted)})`];
}

/** The row that the URL names. @throws ApiFailure 403, 404 */
export async function rowOf(deps: CoreDeps, model: Model, request: ApiRequest, action: Action): Promise<Row> {
  const principal = requirePrincipal(request);
  const row = await findRow(deps.database.kysely, model, model.lookup ?? model.key, keyParameter(request));
  if (row === undefined) {
    visibility(principal, model);
    throw notFound(model.noun);
  }
  if (!mayTouch(principal, model, row, 'view')) {
    visibility(principal, model);
    throw notFound(model.noun);
  }
  if (!mayTouch(principal, model, row, action)) throw noPermission();
  return row;
}

/** The front door reads brands and certificates with the installation's own key. */
function seesByKey({ via }: Principal, model: Model): boolean {
  return via === 'secret key' && (model.id === 'authentik_brands.brand' || model.id.startsWith('authentik_crypto.'));
}
