/** The phone's own memory: what waits to be sent, and the last answers of the server for when there is no net. */
const NAME = 'shiyu-field'
type Shelf = 'queue' | 'kept'

let opened: Promise<IDBDatabase> | null = null

function open(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1)
    request.onupgradeneeded = () => {
      request.result.createObjectStore('queue', { keyPath: 'client_id' })
      request.result.createObjectStore('kept')
    }
    request.onsuccess = () => {
      // Another tab may need a newer shape, or the system may close us: the next call opens anew.
      request.result.onversionchange = () => request.result.close()
      request.result.onclose = () => (opened = null)
      resolve(request.result)
    }
    request.onerror = () => {
      opened = null
      reject(request.error ?? new Error('no store'))
    }
  })
  return opened
}

/** Resolves only when it is on the disk: what the worker was told is kept, is kept. */
async function run<T>(shelf: Shelf, mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open()
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(shelf, mode, { durability: 'strict' })
    const request = act(transaction.objectStore(shelf))
    transaction.oncomplete = () => resolve(request.result)
    transaction.onabort = () => reject(transaction.error ?? request.error ?? new Error('not stored'))
  })
}

export const allRows = <T>(): Promise<T[]> => run('queue', 'readonly', (store) => store.getAll()) as Promise<T[]>
export const putRow = (row: object): Promise<unknown> => run('queue', 'readwrite', (store) => store.put(row))
export const dropRow = (id: string): Promise<unknown> => run('queue', 'readwrite', (store) => store.delete(id))

export const keep = (key: string, value: unknown): Promise<unknown> => run('kept', 'readwrite', (store) => store.put(value, key))
export const kept = <T>(key: string): Promise<T | undefined> =>
  run('kept', 'readonly', (store) => store.get(key)) as Promise<T | undefined>
export const forget = (key: string): Promise<unknown> => run('kept', 'readwrite', (store) => store.delete(key))
/** Everything read of one person leaves the phone. */
export const forgetAbout = (account: string): Promise<unknown> =>
  run('kept', 'readwrite', (store) => store.delete(IDBKeyRange.bound(`${account}:`, `${account}:\uffff`)) as IDBRequest<unknown>)
