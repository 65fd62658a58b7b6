interface Bar {
  refresh(count?: number): void
}

/** Tells the tab bar where we are and, with `count`, how many matters wait for the reader. */
export function showTab(page: unknown, count?: number): void {
  const { getTabBar } = page as { getTabBar?: () => unknown }
  const bar = getTabBar?.call(page) as Partial<Bar> | undefined
  bar?.refresh?.(count)
}
