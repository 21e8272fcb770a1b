// The tree of an expression (core.md §16.2): the subset of Python that is run here.
import type { Position } from '../faults.ts';

interface Node {
  readonly at: Position;
}

export type BinaryOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**' | '&' | '|' | '^' | '<<' | '>>';
export type CompareOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in' | 'is' | 'is not';

export type Expression = Node &
  (
    | { readonly type: 'constant'; readonly value: null | boolean | number | string }
    | { readonly type: 'float'; readonly value: number }
    | { readonly type: 'bytes'; readonly value: Uint8Array }
    | { readonly type: 'name'; readonly name: string }
    | { readonly type: 'f-string'; readonly parts: readonly FormatPart[] }
    | { readonly type: 'list' | 'tuple' | 'set'; readonly items: readonly Expression[] }
    | { readonly type: 'dict'; readonly entries: readonly DictEntry[] }
    | { readonly type: 'star'; readonly value: Expression }
    | { readonly type: 'unary'; readonly operator: '-' | '+' | '~' | 'not'; readonly value: Expression }
    | {
        readonly type: 'binary';
        readonly operator: BinaryOperator;
        readonly left: Expression;
        readonly right: Expression;
      }
    | { readonly type: 'bool'; readonly operator: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
    | {
        readonly type: 'compare';
        readonly first: Expression;
        readonly rest: readonly { readonly operator: CompareOperator; readonly value: Expression }[];
      }
    | {
        readonly type: 'conditional';
        readonly test: Expression;
        readonly whenTrue: Expression;
        readonly otherwise: Expression;
      }
    | { readonly type: 'lambda'; readonly parameters: readonly Parameter[]; readonly body: Expression }
    | { readonly type: 'call'; readonly callee: Expression; readonly args: readonly Argument[] }
    | { readonly type: 'attribute'; readonly object: Expression; readonly name: string }
    | { readonly type: 'subscript'; readonly object: Expression; readonly index: Expression }
    | {
        readonly type: 'slice';
        readonly start: Expression | undefined;
        readonly stop: Expression | undefined;
        readonly step: Expression | undefined;
      }
    | {
        readonly type: 'comprehension';
        readonly makes: 'list' | 'set' | 'generator' | 'dict';
        readonly element: Expression;
        /** Of a dict. */
        readonly value: Expression | undefined;
        readonly clauses: readonly Clause[];
      }
    | { readonly type: 'named'; readonly name: string; readonly value: Expression }
    | { readonly type: 'yield'; readonly value: Expression | undefined }
  );

export type FormatPart =
  | string
  | {
      readonly value: Expression;
      readonly conversion: 'r' | 's' | 'a' | undefined;
      readonly spec: readonly FormatPart[];
    };

/** Without a key: another mapping to merge in. */
export interface DictEntry {
  readonly key: Expression | undefined;
  readonly value: Expression;
}

export interface Argument {
  readonly kind: 'positional' | 'keyword' | 'star' | 'double star';
  readonly name: string;
  readonly value: Expression;
}

export interface Parameter {
  readonly name: string;
  readonly kind: 'plain' | 'keyword only' | 'rest' | 'keywords';
  readonly initial: Expression | undefined;
}

export interface Clause {
  readonly target: Expression;
  readonly source: Expression;
  readonly tests: readonly Expression[];
}

export type Statement = Node &
  (
    | { readonly type: 'expression'; readonly value: Expression }
    | { readonly type: 'assign'; readonly targets: readonly Expression[]; readonly value: Expression }
    | {
        readonly type: 'augment';
        readonly target: Expression;
        readonly operator: BinaryOperator;
        readonly value: Expression;
      }
    | { readonly type: 'if'; readonly test: Expression; readonly whenTrue: Block; readonly otherwise: Block }
    | {
        readonly type: 'for';
        readonly target: Expression;
        readonly source: Expression;
        readonly body: Block;
        readonly otherwise: Block;
      }
    | { readonly type: 'while'; readonly test: Expression; readonly body: Block; readonly otherwise: Block }
    | { readonly type: 'return'; readonly value: Expression | undefined }
    | { readonly type: 'pass' | 'break' | 'continue' }
    | {
        readonly type: 'try';
        readonly body: Block;
        readonly handlers: readonly Handler[];
        readonly otherwise: Block;
        readonly always: Block;
      }
    | { readonly type: 'raise'; readonly value: Expression | undefined }
    | {
        readonly type: 'def';
        readonly name: string;
        readonly parameters: readonly Parameter[];
        readonly body: Block;
      }
    | {
        readonly type: 'import';
        readonly module: string;
        /** Empty: the module itself, under the name given as `as`. */
        readonly names: readonly { readonly name: string; readonly as: string }[];
        readonly as: string;
      }
    | { readonly type: 'delete'; readonly targets: readonly Expression[] }
    | { readonly type: 'assert'; readonly test: Expression; readonly text: Expression | undefined }
    | { readonly type: 'nonlocal'; readonly names: readonly string[] }
  );
export type Block = readonly Statement[];

export interface Handler {
  /** None catches every error. */
  readonly types: Expression | undefined;
  readonly name: string | undefined;
  readonly body: Block;
}
