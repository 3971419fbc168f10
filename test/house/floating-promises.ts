import { relative, sep } from "node:path";
import ts from "typescript";

/**
 * Finds the promises that nobody holds: a call that stands alone as a statement and returns something with `then`.
 * Its failure would be nobody's. Awaiting it, keeping it, ending it in `.catch(…)` or writing `void` before it all say
 * what is meant. Biome 2.5 has no such rule outside its nursery, so this one asks the compiler.
 */
export function findFloatingPromises(
  root: string,
  configPath: string,
  isChecked: (path: string) => boolean,
): readonly string[] {
  const program = programOf(root, configPath);
  const checker = program.getTypeChecker();
  const sentences: string[] = [];
  for (const source of program.getSourceFiles()) {
    const path = relative(root, source.fileName).split(sep).join("/");
    if (source.isDeclarationFile || !isChecked(path)) continue;
    const visit = (node: ts.Node): void => {
      if (ts.isExpressionStatement(node)) {
        for (const call of callsLeftAlone(node.expression)) {
          if (!isPromise(checker, call) || isCaught(call)) continue;
          const line = source.getLineAndCharacterOfPosition(call.getStart(source)).line + 1;
          sentences.push(`${path}:${line}: no floating promises. Instead: await it, keep it, or catch its failure`);
        }
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return sentences;
}

function programOf(root: string, configPath: string): ts.Program {
  const { config } = ts.readConfigFile(configPath, ts.sys.readFile);
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  return ts.createProgram(fileNames, options);
}

/** The calls whose value a statement drops: itself, or the ends of its `&&`, `||`, `??`, `?:` and commas. */
function callsLeftAlone(expression: ts.Expression): readonly ts.CallExpression[] {
  if (ts.isParenthesizedExpression(expression) || ts.isNonNullExpression(expression))
    return callsLeftAlone(expression.expression);
  if (ts.isConditionalExpression(expression))
    return [...callsLeftAlone(expression.whenTrue), ...callsLeftAlone(expression.whenFalse)];
  if (ts.isBinaryExpression(expression)) {
    const kind = expression.operatorToken.kind;
    if (kind === ts.SyntaxKind.CommaToken)
      return [...callsLeftAlone(expression.left), ...callsLeftAlone(expression.right)];
    return isLogical(kind) ? callsLeftAlone(expression.right) : [];
  }
  return ts.isCallExpression(expression) ? [expression] : [];
}

function isLogical(kind: ts.SyntaxKind): boolean {
  return (
    kind === ts.SyntaxKind.AmpersandAmpersandToken ||
    kind === ts.SyntaxKind.BarBarToken ||
    kind === ts.SyntaxKind.QuestionQuestionToken
  );
}

function isPromise(checker: ts.TypeChecker, node: ts.Expression): boolean {
  const type = checker.getNonNullableType(checker.getTypeAtLocation(node));
  const members = type.isUnion() ? type.types : [type];
  return members.some((member) => {
    const then = member.getProperty("then");
    return then !== undefined && checker.getTypeOfSymbolAtLocation(then, node).getCallSignatures().length > 0;
  });
}

/** Whether the call is `….catch(handler)` or `….then(done, handler)`. */
function isCaught(call: ts.CallExpression): boolean {
  if (!ts.isPropertyAccessExpression(call.expression)) return false;
  const name = call.expression.name.text;
  return (name === "catch" && call.arguments.length > 0) || (name === "then" && call.arguments.length > 1);
}
