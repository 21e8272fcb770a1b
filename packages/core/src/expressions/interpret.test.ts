// The language of expressions (core.md §16.2): what it computes, what it refuses, and what it may use.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { interpret } from './interpret.ts';
import { toPlain } from './run/convert.ts';

const value = async (text: string, monotonicMs = () => performance.now()) =>
  toPlain(await interpret({ text, names: new Map(), modules: new Map(), monotonicMs }));
const failure = (text: string, monotonicMs?: () => number) =>
  value(text, monotonicMs).then(
    (result) => `gave ${JSON.stringify(result)}`,
    (error: unknown) => (error instanceof Error ? `${error.name} ${error.message}` : String(error)),
  );

describe('what it computes', () => {
  // Each result is what CPython 3.12 gives for the same text.
  const cases: readonly (readonly [string, unknown])[] = [
    ['return 1 + 2 * 3 ** 2', 19],
    ['return -7 // 2, -7 % 3, 7 % -3', [-4, 2, -2]],
    ['return 7 / 2, 4 / 2 == 2, 2 ** -1', [3.5, true, 0.5]],
    ['return -2 ** 2', -4],
    ['return 1 < 2 < 3, 1 < 2 > 3', [true, false]],
    ['return not 1 == 2', true],
    ['return 5 & 6 | 8 ^ 1, ~5, 1 << 4, 256 >> 3', [13, -6, 16, 32]],
    ['return "a" "b" \'c\'', 'abc'],
    ['return "äöü"[::-1], "abc"[-2:], "abcdef"[1:5:2], "x"[5:]', ['üöä', 'bc', 'bd', '']],
    ['return len("naïve 😀")', 7],
    ['return "😀x"[1]', 'x'],
    ['return r"\\n" + "\\x41\\u00e9\\t"', '\\nAé\t'],
    ['return f"{1 + 1}-{\'a\':>3}-{3.14159:.2f}-{{}}-{None!r}"', '2-  a-3.14-{}-None'],
    ['x = 3\nreturn f"{x=} {x:03d} {x:+}"', 'x=3 003 +3'],
    ['return "%s is %d%% of %.1f" % ("a", 50, 2)', 'a is 50% of 2.0'],
    ['return "%(name)s" % {"name": "x"}', 'x'],
    ['return "{1} {0} {name!r}".format(1, 2, name="n")', "2 1 'n'"],
    ['return f"{1234567:,} {0.5:%} {255:x} {5:>4}|{5:<4}|{5:^4}"', '1,234,567 50.000000% ff    5|5   | 5  '],
    ['return str(1.0), str(1e20), str(0.1 + 0.2), repr("it\'s")', ['1.0', '1e+20', '0.30000000000000004', '"it\'s"']],
    ['return str([1, "a", None, True, (1,), {"k": {1}}])', "[1, 'a', None, True, (1,), {'k': {1}}]"],
    ['return [x * y for x in range(3) for y in (1, 10) if x]', [1, 10, 2, 20]],
    ['return {k: v for k, v in {"a": 1}.items()}, sorted({x % 3 for x in range(9)})', [{ a: 1 }, [0, 1, 2]]],
    ['return sum(x for x in range(5)), max([3, 9, 2]), min("b", "a")', [10, 9, 'a']],
    [
      'return sorted(["b", "A", "c"], key=str.lower if False else (lambda s: s.lower()), reverse=True)',
      ['c', 'b', 'A'],
    ],
    ['return [*range(3), *"ab"], {**{"a": 1}, "b": 2}', [[0, 1, 2, 'a', 'b'], { a: 1, b: 2 }]],
    ['d = {"k": None}\nreturn d.get("k", 1), d.get("x", None), d.setdefault("k", 1)', [null, null, null]],
    ['d = {"k": None}\nreturn d.pop("k", 1), d.pop("k", None), {None: 1}.get(None)', [null, null, 1]],
    [
      'l = [1]\nl.append(None)\nreturn l, l.count(None), l.index(None), isinstance(None, str)',
      [[1, null], 1, 1, false],
    ],
    ['return str(None), repr(None), getattr("a", "x", None), round(2.5, None)', ['None', 'None', null, 2]],
    ['a, *b, c = 1, 2, 3, 4\nreturn a, b, c', [1, [2, 3], 4]],
    ['a = b = [1]\na += [2]\nreturn b', [1, 2]],
    ['x = 1\nx += 2; x *= 3\nreturn x', 9],
    [
      'def f(a, b=2, *rest, c, **more):\n    return a, b, rest, c, more\nreturn f(1, c=3, d=4), f(1, 5, 6, c=7)',
      [
        [1, 2, [], 3, { d: 4 }],
        [1, 5, [6], 7, {}],
      ],
    ],
    [
      'def outer():\n    n = 0\n    def inc():\n        nonlocal n\n        n += 1\n        return n\n    inc()\n    return inc()\nreturn outer()',
      2,
    ],
    ['def gen():\n    for i in range(3):\n        yield i * i\nreturn list(gen())', [0, 1, 4]],
    ['for x in [1, 2, 3]:\n    if x == 2:\n        break\nelse:\n    return "else"\nreturn x', 2],
    ['n = 0\nwhile n < 5:\n    n += 1\n    if n == 3:\n        continue\nelse:\n    return "done"', 'done'],
    [
      'try:\n    return {}["x"]\nexcept (KeyError, ValueError) as e:\n    return "no " + str(e)\nfinally:\n    pass',
      "no 'x'",
    ],
    ['try:\n    raise ValueError("bad")\nexcept Exception as e:\n    return str(e)', 'bad'],
    ['try:\n    return int(None)\nexcept TypeError:\n    return "no number"', 'no number'],
    ['try:\n    1 / 0\nexcept ArithmeticError:\n    return "zero"', 'zero'],
    ['try:\n    pass\nfinally:\n    return 1', 1],
    [
      'return "a,b,,c".split(","), " a  b ".split(), "a=b=c".split("=", 1)',
      [
        ['a', 'b', '', 'c'],
        ['a', 'b'],
        ['a', 'b=c'],
      ],
    ],
    [
      'return "-".join(["a", "b"]), "  x ".strip(), "xxaxx".strip("x"), "Ab".lower(), "abc".title()',
      ['a-b', 'x', 'a', 'ab', 'Abc'],
    ],
    [
      'return "user@corp".partition("@"), "a.b.c".rsplit(".", 1)',
      [
        ['user', '@', 'corp'],
        ['a.b', 'c'],
      ],
    ],
    [
      'return "a-b".replace("-", "+"), "abc".find("c"), "abc".startswith(("x", "ab")), "7".zfill(3)',
      ['a+b', 2, true, '007'],
    ],
    [
      'd = {"a": {"b": 1}}\nreturn d.get("a", {}).get("b"), d.get("x"), d.setdefault("y", 2), list(d)',
      [1, null, 2, ['a', 'y']],
    ],
    ['return isinstance(True, int), isinstance("a", (int, str)), type(1) == int', [true, true, true]],
    ['return hasattr("x", "lower"), getattr("x", "nope", 5)', [true, 5]],
    [
      'return bool([]), bool("0"), bool(None), int("12"), int(3.9), float("1.5"), str(None)',
      [false, true, false, 12, 3, 1.5, 'None'],
    ],
    [
      'return any([0, 1]), all([]), list(zip([1, 2], "ab")), list(enumerate("ab", 1))',
      [
        true,
        true,
        [
          [1, 'a'],
          [2, 'b'],
        ],
        [
          [1, 'a'],
          [2, 'b'],
        ],
      ],
    ],
    ['return 1 if [] else 2', 2],
    ['return (y := 5) + y', 10],
    ['return None is None, 1 is not None, "a" in "cat", 2 not in [1]', [true, true, true, true]],
    ['return {1, 2} & {2, 3}, {1} | {2}, {1} <= {1, 2}', [[2], [1, 2], true]],
    ['return [1, 2] < [1, 3], (1, "a") == (1, "a"), "a" < "b"', [true, true, true]],
    ['x: int = 5\nreturn x', 5],
    ['"""a docstring"""\n# a comment\nreturn (\n    1,\n    2,\n)', [1, 2]],
    ['if True: return 1', 1],
    ['    return "indented as a whole"', 'indented as a whole'],
    ['return round(2.5), round(3.5), round(1.005, 1)', [2, 4, 1]],
    ['return b"ab".decode() + "c".encode("utf-8").hex()', 'ab63'],
    ['yield 1\nyield 2', [1, 2]],
    ['pass', null],
    ['return', null],
    ['return True == 1, {1: "a"}[True]', [true, 'a']],
    [
      'return list(map(lambda x: x + 1, filter(None, [0, 1, 2]))), list(reversed([1, 2]))',
      [
        [2, 3],
        [2, 1],
      ],
    ],
    ['x = [1, 2, 3]\ndel x[0]\nx[-1] = 9\nreturn x', [2, 9]],
  ];
  for (const [text, expected] of cases)
    test(JSON.stringify(text), async () => expect(await value(text)).toEqual(expected));
});

describe('what it refuses', () => {
  test.each([
    ['return (', /^SyntaxFault/],
    ['return 1 +', /^SyntaxFault.*line 1/],
    ['x =', /^SyntaxFault/],
    ['if x\n  pass', /^SyntaxFault.*line 1/],
    ['return 1\n   return 2', /^SyntaxFault.*line 2/],
    ['return "open', /^SyntaxFault.*closed/],
    ['1 = 2', /^SyntaxFault.*assign/],
    ['return f"{}"', /^SyntaxFault/],
    ['class A:\n    pass', /^UnsupportedFault.*class.*line 1, column 1/],
    ['x = 1\nwith open("f") as f:\n    pass', /^UnsupportedFault.*with.*line 2/],
    ['import os', /^UnsupportedFault.*module os/],
    ['from subprocess import run', /^UnsupportedFault.*subprocess/],
    ['async def f():\n    pass', /^UnsupportedFault.*async/],
    ['return "x".__class__', /^Raised AttributeError/],
    ['return [].__class__.__mro__', /^Raised AttributeError/],
    ['return (lambda: 0).__globals__', /^Raised AttributeError/],
    ['return eval("1")', /^Raised NameError.*eval/],
    ['return nope', /^Raised NameError.*nope.*line 1/],
    ['def f():\n    print(x)\n    x = 1\nf()', /^Raised UnboundLocalError/],
    ['return 1 + "a"', /^Raised TypeError/],
    ['return [1][5]', /^Raised IndexError/],
    ['return {[]: 1}', /^Raised TypeError.*unhashable/],
    ['return 2 ** 1000', /^Raised OverflowError/],
    ['a, b = [1]', /^Raised ValueError.*unpack/],
    ['raise SkipObject', /^Raised SkipObject/],
  ])('%j', async (text, expected) => expect(await failure(text)).toMatch(expected));
});

describe('core 76: what it may use', () => {
  const tower = (wrap: string) =>
    `a = ["x"]\nb = ["x"]\nfor i in range(40):\n    a = ${wrap.replaceAll('v', 'a')}\n    b = ${wrap.replaceAll('v', 'b')}\n`;
  test.each([
    ['while True:\n    pass', /steps/],
    ['try:\n    while True:\n        pass\nexcept:\n    pass', /steps/],
    ['def f():\n    return f()\nreturn f()', /deep/],
    ['f = lambda g: g(g)\nreturn f(f)', /deep/],
    ['return "x" * 10 ** 9', /signs and items/],
    ['x = "x"\nwhile True:\n    x += x', /signs and items/],
    ['return [0] * 10 ** 8', /signs and items/],
    ['x = []\nwhile True:\n    x.append(x)', /signs and items|steps/],
    ['return list(range(10 ** 12))', /signs and items|steps/],
    ['return 5 in range(10 ** 12, 10 ** 13)', /steps/],
    ['return ("%9999s" * 5000) % tuple(["x"] * 5000)', /too long|signs and items/],
    ['s = "ab" * 200000\nwhile True:\n    s.find("c")', /steps/],
    ['s = "ab" * 200000\nwhile True:\n    "c" in s', /steps/],
    [`${tower('[v, v]')}return a == b`, /steps/],
    [`${tower('[v, v]')}return str(a)`, /too large/],
    [`${tower('[v, v]')}return a`, /too large/],
    [`${tower('(v, v)').replaceAll('["x"]', '("x",)')}return {a: 1}`, /key is too large/],
    [`return ${'('.repeat(3000)}1${')'.repeat(3000)}`, /nested/],
    [`return ${'-'.repeat(5000)}1`, /nested/],
    [`return ${'not '.repeat(5000)}1`, /nested/],
    [
      `${Array.from({ length: 60 }, (_line, at) => `${' '.repeat(at)}if 1:`).join('\n')}\n${' '.repeat(60)}return 1`,
      /indentation/,
    ],
    // The clock stands, so that a slow machine reaches no other limit first.
  ])('%# %j', async (text, expected) => expect(await failure(text, () => 0)).toMatch(expected));

  test('a quarter of a second of the processor', async () => {
    let nowMs = 0;
    const slow = () => {
      nowMs += 100;
      return nowMs;
    };
    expect(await failure('while True:\n    pass', slow)).toMatch(/more than 250 ms/);
  });

  test('others are served while an expression runs', async () => {
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 0);
    await failure('while True:\n    pass');
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
  });
});

describe('text nobody meant', () => {
  const pieces = fc.constantFrom(
    'return ',
    'if ',
    'x',
    '1',
    '"a"',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    ':',
    '\n',
    '    ',
    '=',
    '==',
    '+',
    '.',
    ',',
    'for ',
    ' in ',
    'not ',
    'lambda ',
    'def f',
    '*',
    '**',
    'f"{',
    '}"',
    'try:',
    'except:',
    '\t',
    '#',
    '\\',
    "'''",
    'yield ',
    'None',
  );
  test('any text is a value or one of the faults, in bounded time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 40 }), async (parts) => {
        const result = await failure(parts.join(''));
        expect(result).toMatch(/^(?:gave|SyntaxFault|UnsupportedFault|BudgetFault|Raised)/);
      }),
      { numRuns: 2000, seed: 162 },
    );
  });

  test('any JSON survives the way in and out', async () => {
    const { Converter } = await import('./run/convert.ts');
    fc.assert(
      fc.property(fc.jsonValue(), (given) => {
        const normal: unknown = JSON.parse(JSON.stringify(given));
        expect(toPlain(new Converter().toValue(normal))).toEqual(normal);
      }),
      { seed: 163 },
    );
  });
});
