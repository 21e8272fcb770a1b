// The policy file in force: read at the start, and again at each refresh (SIGUSR1); a file that has become wrong is told and leaves
// the earlier one in force. Gives what somebody sees under an application, and says where each part comes from.
import { readFile } from 'node:fs/promises';
import type { Logger } from '@gatehouse/daemon/log';
import { foldValue } from '@gatehouse/wire/ldap';
import type { AttributeMap } from '../directory/attribute-map.ts';
import type { LimitRule } from '../directory/row-limits.ts';
import type { CustomTypes } from '../mapping/custom-attributes.ts';
import { type Compiled, compile } from './compile.ts';
import { emptyPolicy, type PolicyDocument, readPolicy, type ViewRule } from './document.ts';

/** What somebody sees. */
export interface PolicyView {
  /** `undefined`: names and values as they are. */
  readonly map: AttributeMap | undefined;
  /** `undefined`: every row. */
  readonly limits: LimitRule | undefined;
  /** For people. */
  readonly declared: Compiled['declared'];
  readonly hidden: string | undefined;
  /** Place of the entry of `views` that holds, counted from 1; `undefined`: none does. */
  readonly entry: number | undefined;
}

export interface ApplicationPolicy {
  /** Whether the view depends on the groups of whoever looks. */
  readonly needsGroups: boolean;
  /** @param groups names of those that whoever looks is in, also through groups in them */
  viewOf(groups: readonly string[]): PolicyView;
}

export interface Policy {
  /** `undefined`: the file says nothing of the application. */
  of(application: string): ApplicationPolicy | undefined;
  /** Names that the file uses, to be compared with what there is. */
  readonly names: { readonly applications: readonly string[]; readonly groups: readonly string[] };
  /** @throws GatewayError `ERR_LDAP_POLICY`, or why the file cannot be read; the earlier one stays in force */
  refresh(): Promise<void>;
}

export function createPolicy(path: string, types: CustomTypes, log: Pick<Logger, 'info'>): Policy {
  let document: PolicyDocument = emptyPolicy;
  let text = '';
  const applications = new Map<string, ApplicationPolicy | undefined>();
  return {
    of(application) {
      if (document === emptyPolicy) return undefined;
      if (!applications.has(application)) applications.set(application, applicationPolicy(document, application));
      return applications.get(application);
    },
    get names() {
      const rules = [...document.attributes, ...document.views];
      const groups = document.views.flatMap(({ groups: who = [], users_in: usersIn = [], only_groups: only = [] }) => [
        ...who,
        ...usersIn,
        ...only,
      ]);
      return { applications: rules.flatMap((rule) => rule.application ?? []), groups: [...new Set(groups)] };
    },
    async refresh() {
      if (path === '') return;
      const now = await readFile(path, 'utf8');
      if (now === text) return;
      document = readPolicy(now, path, types);
      text = now;
      applications.clear();
      log.info('policy in force', { path, entries: document.attributes.length, count: document.views.length });
    },
  };
}

/** `undefined`: the document says nothing of the application. */
export function applicationPolicy(document: PolicyDocument, application: string): ApplicationPolicy | undefined {
  const isMeant = (rule: { readonly application?: string | undefined }) =>
    rule.application === undefined || rule.application === application;
  const rules = new Map(
    [...document.attributes.entries()].flatMap(([at, rule]) => (isMeant(rule) ? [[at + 1, rule]] : [])),
  );
  const views = [...document.views.entries()].filter(([, rule]) => isMeant(rule));
  if (rules.size === 0 && views.length === 0) return undefined;
  const made = new Map<number | undefined, PolicyView>();
  return {
    needsGroups: views.some(([, { groups }]) => groups !== undefined),
    viewOf(groups) {
      const [at, rule] = views.find(([, one]) => isFor(one, groups)) ?? [];
      const known = made.get(at);
      if (known !== undefined) return known;
      const view = {
        ...compile(rules, rule),
        limits: limitsOf(rule),
        entry: at === undefined ? undefined : at + 1,
        hidden: hiddenText(rule),
      };
      made.set(at, view);
      return view;
    },
  };
}

function isFor({ groups: wanted }: ViewRule, groups: readonly string[]): boolean {
  if (wanted === undefined) return true;
  const names = new Set(groups.map(foldValue));
  return wanted.some((name) => names.has(foldValue(name)));
}

function limitsOf(rule: ViewRule | undefined): LimitRule | undefined {
  if (rule === undefined) return undefined;
  const { users_in: usersIn, only_groups: onlyGroups, active_only: activeOnly } = rule;
  return usersIn === undefined && onlyGroups === undefined && !activeOnly
    ? undefined
    : { usersIn, onlyGroups, activeOnly };
}

function hiddenText(rule: ViewRule | undefined): string | undefined {
  const names = (list: ViewRule['hide'] = []) => list.map(({ name }) => name).join(', ') || 'nothing';
  if (rule?.show !== undefined) return `shows ${names(rule.show)}, and what every entry has`;
  return rule?.hide === undefined ? undefined : `hides ${names(rule.hide)}`;
}
