//! The part of Python's pickle that a dictionary of tensors is written in, as plain data.
//!
//! A pickle is a program for a stack machine. Two of its instructions name a function and call it;
//! here these know six names and do by hand what those mean. Containers lie on a heap and refer to
//! one another by number, so that neither cycles nor depth can hurt.

use std::collections::HashMap;
use std::rc::Rc;

use anyhow::{Context, Result, bail, ensure};

use super::Dtype;
use super::cursor::Cursor;
pub(super) use super::cursor::Ended;
use super::gather::NumberKind;

/// The longest pickle that is read: that of a large network's state dict has some 100 kB. Each byte
/// of one can become some 50 in memory.
pub(super) const LONGEST: u64 = 4 << 20;
/// How many values may be copied from one container to another.
const MOST_COPIES: usize = 1 << 20;
/// More axes than any tensor has.
const MOST_AXES: usize = 16;

/// A value; what is large lies on the heap.
#[derive(Clone, Debug)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i128),
    Text(Rc<str>),
    /// A list or a tuple.
    Sequence(usize),
    Dict(usize),
    Storage(usize),
    Tensor(usize),
    Name(Name),
    /// Something that weights have no use for: a fraction, bytes, a type.
    Other,
}

/// What a pickle may name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Name {
    OrderedDict,
    Tensor,
    Parameter,
    Size,
    Storage(NumberKind),
    Dtype,
}

/// Numbers that lie elsewhere in the file.
#[derive(Debug)]
pub(super) struct Storage {
    pub(super) kind: NumberKind,
    pub(super) key: Rc<str>,
    /// Where a view of it begins.
    pub(super) offset: u64,
}

/// A view of a storage.
#[derive(Debug)]
pub(super) struct Tensor {
    pub(super) storage: usize,
    pub(super) offset: u64,
    pub(super) shape: Vec<u64>,
    pub(super) strides: Vec<u64>,
}

/// What a pickle was of.
#[derive(Debug, Default)]
pub(super) struct Heap {
    sequences: Vec<Vec<Value>>,
    dicts: Vec<Vec<(Value, Value)>>,
    storages: Vec<Storage>,
    tensors: Vec<Tensor>,
}

/// A value with its heap.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) root: Value,
    heap: Heap,
}

impl Loaded {
    pub(super) fn storages(&self) -> &[Storage] {
        &self.heap.storages
    }

    pub(super) fn tensor(&self, number: usize) -> &Tensor {
        &self.heap.tensors[number]
    }

    /// What is in a list or tuple.
    pub(super) fn items(&self, value: &Value) -> Option<&[Value]> {
        let Value::Sequence(number) = value else { return None };
        Some(&self.heap.sequences[*number])
    }

    /// What is in a dictionary, in the order in which it was put there.
    pub(super) fn entries(&self, value: &Value) -> Option<&[(Value, Value)]> {
        let Value::Dict(number) = value else { return None };
        Some(&self.heap.dicts[*number])
    }

    /// What a dictionary has under this name.
    pub(super) fn entry(&self, value: &Value, name: &str) -> Option<&Value> {
        let mut entries = self.entries(value)?.iter().rev();
        let found = entries.find(|(key, _)| matches!(key, Value::Text(key) if **key == *name));
        found.map(|(_, value)| value)
    }
}

/// What the first pickle in `bytes` was of, and how many bytes it has. [`Ended`] is the error if
/// they end before it does.
pub(super) fn load(bytes: &[u8]) -> Result<(Loaded, usize)> {
    let mut cursor = Cursor::new(bytes);
    let mut machine = Machine::default();
    loop {
        if machine.step(&mut cursor)? {
            let root = machine.pop()?;
            return Ok((Loaded { root, heap: machine.heap }, cursor.used()));
        }
    }
}

#[derive(Default)]
struct Machine {
    stack: Vec<Value>,
    /// Where the marks are on the stack.
    marks: Vec<usize>,
    memo: HashMap<u64, Value>,
    heap: Heap,
    copied: usize,
}

impl Machine {
    /// Does one instruction; whether it was the last.
    fn step(&mut self, cursor: &mut Cursor) -> Result<bool> {
        let instruction = cursor.byte()?;
        let value = match instruction {
            b'.' => return Ok(true),
            // PROTO and FRAME say nothing that matters here.
            0x80 => return cursor.skip(1).map(|()| false),
            0x95 => return cursor.skip(8).map(|()| false),
            b'N' => Value::None,
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            b'K' => Value::Int(cursor.number(1)?.into()),
            b'M' => Value::Int(cursor.number(2)?.into()),
            b'J' => Value::Int((cursor.number(4)? as u32).cast_signed().into()),
            0x8a => {
                let n = cursor.number(1)?;
                Value::Int(cursor.integer(n)?)
            }
            b'G' => cursor.skip(8).map(|()| Value::Other)?,
            b'X' => text(cursor, 4)?,
            b'T' | b'U' | 0x8c | 0x8d => {
                let length = match instruction {
                    b'T' => 4,
                    0x8d => 8,
                    _ => 1,
                };
                text(cursor, length)?
            }
            b'B' | b'C' | 0x8e => {
                let n = cursor.number(match instruction {
                    b'B' => 4,
                    b'C' => 1,
                    _ => 8,
                })?;
                cursor.bytes(n)?;
                Value::Other
            }
            b'(' => {
                self.marks.push(self.stack.len());
                return Ok(false);
            }
            b')' | b']' => self.sequence(Vec::new()),
            b't' | b'l' => {
                let items = self.marked()?;
                self.sequence(items)
            }
            0x85..=0x87 => {
                let start = self.below(usize::from(instruction - 0x84))?;
                let items = self.stack.split_off(start);
                self.sequence(items)
            }
            b'}' => self.dict(),
            b'a' | b'e' => {
                let items = if instruction == b'a' { vec![self.pop()?] } else { self.marked()? };
                return self.append(items).map(|()| false);
            }
            b's' | b'u' => {
                let items = if instruction == b'u' {
                    self.marked()?
                } else {
                    let start = self.below(2)?;
                    self.stack.split_off(start)
                };
                return self.set(items).map(|()| false);
            }
            b'q' | b'r' | 0x94 => {
                let key = match instruction {
                    b'q' => cursor.number(1)?,
                    b'r' => cursor.number(4)?,
                    _ => self.memo.len() as u64,
                };
                let top = self.top()?.clone();
                self.memo.insert(key, top);
                return Ok(false);
            }
            b'h' | b'j' => {
                let key = cursor.number(if instruction == b'h' { 1 } else { 4 })?;
                self.memo.get(&key).cloned().context("it asks for what it has not kept")?
            }
            b'0' => return self.pop().map(|_| false),
            b'c' => {
                let (module, name) = (cursor.line()?, cursor.line()?);
                Value::Name(named(module, name)?)
            }
            0x93 => match (self.pop()?, self.pop()?) {
                (Value::Text(name), Value::Text(module)) => Value::Name(named(&module, &name)?),
                _ => bail!("it names something without a name"),
            },
            b'Q' => self.storage()?,
            b'R' => self.call()?,
            // What it would put on an object (a state dict's versions): nothing here has a use for it.
            b'b' => return self.pop().map(|_| false),
            _ => bail!("it has instruction {instruction:#04x}, which no state dict needs"),
        };
        self.stack.push(value);
        Ok(false)
    }

    fn pop(&mut self) -> Result<Value> {
        self.below(1)?;
        self.stack.pop().context("it takes from an empty stack")
    }

    fn top(&self) -> Result<&Value> {
        self.stack.last().context("it looks at an empty stack")
    }

    /// Where the uppermost `n` values begin; a mark is not to be taken from below.
    fn below(&self, n: usize) -> Result<usize> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let start = self.stack.len().checked_sub(n).filter(|&start| start >= floor);
        start.context("it takes from an empty stack")
    }

    /// The values above the last mark.
    fn marked(&mut self) -> Result<Vec<Value>> {
        let mark = self.marks.pop().context("it has no mark where one is needed")?;
        Ok(self.stack.split_off(mark))
    }

    fn sequence(&mut self, items: Vec<Value>) -> Value {
        self.heap.sequences.push(items);
        Value::Sequence(self.heap.sequences.len() - 1)
    }

    fn dict(&mut self) -> Value {
        self.heap.dicts.push(Vec::new());
        Value::Dict(self.heap.dicts.len() - 1)
    }

    fn append(&mut self, items: Vec<Value>) -> Result<()> {
        let Value::Sequence(number) = *self.top()? else { bail!("it appends to what is no list") };
        self.heap.sequences[number].extend(items);
        Ok(())
    }

    /// Puts keys and values, in turn, into the dictionary on the stack.
    fn set(&mut self, items: Vec<Value>) -> Result<()> {
        let Value::Dict(number) = *self.top()? else { bail!("it sets items of what is no dict") };
        ensure!(items.len().is_multiple_of(2), "it sets a key without a value");
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            self.heap.dicts[number].push((key, value));
        }
        Ok(())
    }

    fn items(&self, value: &Value) -> Result<&[Value]> {
        let Value::Sequence(number) = value else { bail!("it has something else for a tuple") };
        Ok(&self.heap.sequences[*number])
    }

    /// `('storage', FloatStorage, key, place, count)`, in the legacy kind with a view behind it.
    fn storage(&mut self) -> Result<Value> {
        let reference = self.pop()?;
        let unknown = "it refers to numbers in an unknown way";
        let (kind, key, view) = match self.items(&reference)? {
            [
                Value::Text(tag),
                Value::Name(Name::Storage(kind)),
                Value::Text(key),
                _,
                _,
                rest @ ..,
            ] if &**tag == "storage" => (*kind, Rc::clone(key), rest.first()),
            _ => bail!(unknown),
        };
        let offset = match view {
            None | Some(Value::None) => 0,
            // (its own key, where it begins, how many numbers it has)
            Some(view) => match self.items(view)? {
                [_, Value::Int(offset), _] => (*offset).try_into().context(unknown)?,
                _ => bail!(unknown),
            },
        };
        self.heap.storages.push(Storage { kind, key, offset });
        Ok(Value::Storage(self.heap.storages.len() - 1))
    }

    /// Does by hand what calling one of the known names with these arguments would.
    fn call(&mut self) -> Result<Value> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Value::Name(function) = function else { bail!("it calls what cannot be called") };
        let arguments = self.items(&arguments)?;
        match (function, arguments) {
            (Name::OrderedDict, []) => Ok(self.dict()),
            // Python 2 wrote a list of pairs.
            (Name::OrderedDict, [pairs]) => {
                let mut entries = Vec::new();
                for pair in self.items(pairs)? {
                    let [key, value] = self.items(pair)? else { bail!("it has a pair of not two") };
                    entries.push((key.clone(), value.clone()));
                    ensure!(self.copied + entries.len() <= MOST_COPIES, "it copies without end");
                }
                self.copied += entries.len();
                self.heap.dicts.push(entries);
                Ok(Value::Dict(self.heap.dicts.len() - 1))
            }
            (Name::Tensor, [Value::Storage(storage), Value::Int(offset), shape, strides, ..]) => {
                let (shape, strides) = (self.sides(shape)?, self.sides(strides)?);
                let offset = (*offset).try_into().context("a tensor begins before its storage")?;
                self.heap.tensors.push(Tensor { storage: *storage, offset, shape, strides });
                Ok(Value::Tensor(self.heap.tensors.len() - 1))
            }
            (Name::Parameter, [tensor @ Value::Tensor(_), ..]) => Ok(tensor.clone()),
            (Name::Size, [sides @ Value::Sequence(_)]) => Ok(sides.clone()),
            _ => bail!("it calls a function with arguments that are not its own"),
        }
    }

    fn sides(&self, value: &Value) -> Result<Vec<u64>> {
        let sides = self.items(value)?;
        ensure!(sides.len() <= MOST_AXES, "a tensor has {} axes", sides.len());
        let side = |value: &Value| match value {
            Value::Int(n) => u64::try_from(*n).ok(),
            _ => None,
        };
        sides.iter().map(side).collect::<Option<_>>().context("a tensor's shape is no shape")
    }
}

/// Text whose length comes before it, in so many bytes.
fn text(cursor: &mut Cursor, length: usize) -> Result<Value> {
    let n = cursor.number(length)?;
    // Names are UTF-8; what is not is no name of a tensor.
    Ok(Value::Text(String::from_utf8_lossy(cursor.bytes(n)?).into()))
}

/// What may be named; everything else is refused before anything could come of it.
fn named(module: &str, name: &str) -> Result<Name> {
    Ok(match (module, name) {
        ("collections", "OrderedDict") => Name::OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2") => Name::Tensor,
        ("torch._utils", "_rebuild_parameter") => Name::Parameter,
        ("torch", "Size") => Name::Size,
        ("torch", "HalfStorage") => Name::Storage(NumberKind::Float(Dtype::F16)),
        ("torch", "BFloat16Storage") => Name::Storage(NumberKind::Float(Dtype::Bf16)),
        ("torch", "FloatStorage") => Name::Storage(NumberKind::Float(Dtype::F32)),
        ("torch", "DoubleStorage") => Name::Storage(NumberKind::Float(Dtype::F64)),
        ("torch", "LongStorage") => Name::Storage(NumberKind::Integer(8)),
        ("torch", "IntStorage") => Name::Storage(NumberKind::Integer(4)),
        ("torch", "ShortStorage") => Name::Storage(NumberKind::Integer(2)),
        ("torch", "CharStorage" | "ByteStorage" | "BoolStorage") => {
            Name::Storage(NumberKind::Integer(1))
        }
        ("torch", "float16" | "bfloat16" | "float32" | "float64" | "int64") => Name::Dtype,
        _ => bail!(
            "it names `{module}.{name}`, which a dictionary of tensors has no use for (nothing was \
             run)\nhint: if you trust the file, load it in Python and save its state dict alone: \
             `torch.save(model.state_dict(), 'weights.pt')`"
        ),
    })
}
