import { a, Capability, K8s, kind, Log, RegisterKind } from 'pepr'

export class Shelf extends a.GenericKind {
  declare spec: { books: string[]; colour?: string }
  declare status?: { phase: string; books: number; observedGeneration?: number }
}
RegisterKind(Shelf, { group: 'library.example.com', version: 'v1', kind: 'Shelf', plural: 'shelves' })

export const Shelves = new Capability({ name: 'shelves', description: 'Keeps shelves of books' })
const { When } = Shelves

When(Shelf).IsCreatedOrUpdated()
  .Mutate((request) => { request.Raw.spec.colour ??= 'oak'; request.SetLabel('library.example.com/colour', request.Raw.spec.colour) })
  .Validate((request) => (request.Raw.spec.books.includes('') ? request.Deny('a book needs a title', 422) : request.Approve(request.Raw.spec.books.length > 2 ? ['the shelf bends'] : undefined)))
  .Reconcile(async (shelf) => {
    Log.info({ shelf: shelf.metadata?.name }, 'reconciling')
    const { name = '', namespace = '', uid = '' } = shelf.metadata ?? {}
    await K8s(kind.ConfigMap).Apply({
      metadata: { name: `${name}-books`, namespace, ownerReferences: [{ apiVersion: 'library.example.com/v1', kind: 'Shelf', name, uid }] },
      data: Object.fromEntries(shelf.spec.books.map((book, index) => [`book-${index}`, book])),
    }, { force: true })
    await K8s(Shelf).PatchStatus({ metadata: { name, namespace }, spec: shelf.spec, status: { phase: 'Filled', books: shelf.spec.books.length, observedGeneration: shelf.metadata?.generation } })
  })
  .Finalize(async (shelf) => {
    await K8s(kind.ConfigMap).Apply({ metadata: { name: 'donated', namespace: shelf.metadata?.namespace }, data: { [shelf.metadata?.name ?? '']: shelf.spec.books.join(',') } }, { force: true })
  })

When(a.ConfigMap).IsDeleted().WithNameRegex(/-books$/).Watch(async (books) => {
  const owner = books.metadata?.ownerReferences?.[0]?.name
  Log.info({ owner }, 'books are gone')
})
