// Vitest reporter: names every skipped test with its reason's title and every test that needed a second attempt with what it
// said at the first, then closes with the one line that CI reads.
import type { Reporter, TestModule } from 'vitest/node';

export class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const inState = (state: string) => tests.filter((test) => test.result().state === state);
    const skipped = inState('skipped');
    const brokenModules = modules.filter((module) => module.state() === 'failed' && module.errors().length > 0);
    for (const test of skipped) console.log(`skipped: ${test.module.relativeModuleId} › ${test.fullName}`);
    for (const test of tests.filter((one) => one.diagnostic()?.flaky === true)) {
      const said = test.result().errors?.[0]?.message ?? 'nothing';
      console.log(`second attempt: ${test.module.relativeModuleId} › ${test.fullName}: first it said ${said}`);
    }
    const failed = inState('failed').length + brokenModules.length + unhandledErrors.length;
    console.log(`${inState('passed').length} passed, ${failed} failed, ${skipped.length} skipped`);
  }
}
