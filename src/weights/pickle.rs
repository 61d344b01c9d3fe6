//! Pickles, read without running them: the opcodes that a dictionary of tensors needs, and the few
//! names that `torch.save` writes there. Whatever else a pickle asks for is refused by name.
//!
//! A pickle is a program for a stack machine that may call anything in Python; the opcodes are those
//! of Python's `pickletools`, protocols 2 to 5.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};

/// A value's place in [`Pickle::values`]: lists and dictionaries may be filled after they were put
/// into others, so values refer to one another by place.
pub(super) type Id = usize;

/// What a pickle can hold here.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// A long that is no `i64`, little-endian, or a float: nothing here depends on either.
    Number,
    Text(String),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// `torch.FloatStorage` and its kin, by name.
    StorageKind(String),
    /// A function of those that may be called.
    Function(Function),
    /// A reference to numbers that are kept elsewhere in the file.
    Storage(Storage),
    Tensor(Tensor),
}

/// What may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Size,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Storage {
    /// Such as `FloatStorage`.
    pub(super) kind: String,
    pub(super) key: String,
}

/// A view of a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tensor {
    pub(super) storage: Storage,
    /// In numbers, as all of these are.
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

/// A pickle that was read.
pub(super) struct Pickle {
    values: Vec<Value>,
    root: Id,
    /// Bytes that it took.
    pub(super) length: usize,
}

impl Pickle {
    /// Reads the pickle that `bytes` begin with.
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let mut machine = Machine {
            bytes,
            at: 0,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
        };
        let root = machine.run().with_context(|| format!("bad pickle at byte {}", machine.at))?;
        Ok(Self { values: machine.values, root, length: machine.at })
    }

    pub(super) fn root(&self) -> &Value {
        &self.values[self.root]
    }

    pub(super) fn get(&self, id: Id) -> &Value {
        &self.values[id]
    }

    /// A value that is text.
    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl Machine<'_> {
    fn run(&mut self) -> Result<Id> {
        loop {
            let opcode = self.byte()?;
            match opcode {
                b'.' => return self.pop(),
                // PROTO, FRAME: nothing follows from either.
                0x80 => self.skip(1)?,
                0x95 => self.skip(8)?,
                b'(' => self.marks.push(self.stack.len()),
                b'0' => drop(self.pop()?),
                b'1' => drop(self.from_mark()?),
                b'N' => self.push(Value::None),
                0x88 => self.push(Value::Bool(true)),
                0x89 => self.push(Value::Bool(false)),
                b'K' => self.int::<1>(|n| i64::from(n[0]))?,
                b'M' => self.int::<2>(|n| i64::from(u16::from_le_bytes(n)))?,
                b'J' => self.int::<4>(|n| i64::from(i32::from_le_bytes(n)))?,
                0x8a => self.long()?,
                b'G' => {
                    self.skip(8)?;
                    self.push(Value::Number);
                }
                0x8c | b'U' => self.text_of(1)?,
                b'X' | b'T' => self.text_of(4)?,
                0x8d => self.text_of(8)?,
                b')' => self.push(Value::Tuple(Vec::new())),
                b't' => {
                    let items = self.from_mark()?;
                    self.push(Value::Tuple(items));
                }
                0x85..=0x87 => {
                    let items = self.pop_many(usize::from(opcode - 0x84))?;
                    self.push(Value::Tuple(items));
                }
                b']' => self.push(Value::List(Vec::new())),
                b'a' => {
                    let item = self.pop()?;
                    self.extend_list(vec![item])?;
                }
                b'e' => {
                    let items = self.from_mark()?;
                    self.extend_list(items)?;
                }
                b'}' => self.push(Value::Dict(Vec::new())),
                b's' => {
                    let pair = self.pop_many(2)?;
                    self.extend_dict(&pair)?;
                }
                b'u' => {
                    let pairs = self.from_mark()?;
                    self.extend_dict(&pairs)?;
                }
                b'q' => {
                    let place = u32::from(self.byte()?);
                    self.remember(place)?;
                }
                b'r' => {
                    let place = u32::from_le_bytes(self.take()?);
                    self.remember(place)?;
                }
                0x94 => self.remember(self.memo.len() as u32)?,
                b'h' => {
                    let place = u32::from(self.byte()?);
                    self.recall(place)?;
                }
                b'j' => {
                    let place = u32::from_le_bytes(self.take()?);
                    self.recall(place)?;
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    let value = named(&module, &name)?;
                    self.push(value);
                }
                0x93 => {
                    let [module, name] = self.pop_array()?;
                    let (Value::Text(module), Value::Text(name)) =
                        (&self.values[module], &self.values[name])
                    else {
                        bail!("a name that is no text")
                    };
                    let value = named(module, name)?;
                    self.push(value);
                }
                b'Q' => {
                    let reference = self.pop()?;
                    let storage = self.storage(reference)?;
                    self.push(Value::Storage(storage));
                }
                b'R' => {
                    let [function, arguments] = self.pop_array()?;
                    let made = self.call(function, arguments)?;
                    self.push(made);
                }
                // Attributes of a dictionary, such as a state dict's version numbers.
                b'b' => {
                    self.pop()?;
                    let top = *self.stack.last().context("nothing to build")?;
                    ensure!(
                        matches!(self.values[top], Value::Dict(_)),
                        "it sets attributes of something that is no dictionary"
                    );
                }
                other => bail!("opcode {other:#04x} has no place in a file of tensors"),
            }
        }
    }

    fn push(&mut self, value: Value) {
        self.values.push(value);
        self.stack.push(self.values.len() - 1);
    }

    fn pop(&mut self) -> Result<Id> {
        let floor = self.marks.last().copied().unwrap_or_default();
        ensure!(self.stack.len() > floor, "it takes from an empty stack");
        self.stack.pop().context("an empty stack")
    }

    fn pop_many(&mut self, n: usize) -> Result<Vec<Id>> {
        let mut items = (0..n).map(|_| self.pop()).collect::<Result<Vec<_>>>()?;
        items.reverse();
        Ok(items)
    }

    fn pop_array<const N: usize>(&mut self) -> Result<[Id; N]> {
        self.pop_many(N)?.try_into().ok().context("too few values")
    }

    fn from_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.marks.pop().context("no mark")?;
        ensure!(mark <= self.stack.len(), "a mark beyond the stack");
        Ok(self.stack.split_off(mark))
    }

    fn extend_list(&mut self, items: Vec<Id>) -> Result<()> {
        let top = *self.stack.last().context("no list")?;
        let Value::List(list) = &mut self.values[top] else { bail!("it appends to no list") };
        list.extend(items);
        Ok(())
    }

    fn extend_dict(&mut self, pairs: &[Id]) -> Result<()> {
        let top = *self.stack.last().context("no dictionary")?;
        let Value::Dict(dict) = &mut self.values[top] else { bail!("it fills no dictionary") };
        let (pairs, rest) = pairs.as_chunks::<2>();
        ensure!(rest.is_empty(), "a key without a value");
        dict.extend(pairs.iter().map(|[key, value]| (*key, *value)));
        Ok(())
    }

    fn remember(&mut self, place: u32) -> Result<()> {
        let top = *self.stack.last().context("nothing to remember")?;
        self.memo.insert(place, top);
        Ok(())
    }

    fn recall(&mut self, place: u32) -> Result<()> {
        let id = *self.memo.get(&place).context("it recalls what it never remembered")?;
        self.stack.push(id);
        Ok(())
    }

    /// `('storage', torch.FloatStorage, '0', 'cpu', 9408)`, with a view of it behind in old files.
    fn storage(&self, reference: Id) -> Result<Storage> {
        let Value::Tuple(parts) = &self.values[reference] else {
            bail!("a reference to something unknown")
        };
        let part = |i: usize| parts.get(i).map(|&id| &self.values[id]);
        match (part(0), part(1), part(2), part(5)) {
            (
                Some(Value::Text(tag)),
                Some(Value::StorageKind(kind)),
                Some(Value::Text(key)),
                None | Some(Value::None),
            ) if tag == "storage" => Ok(Storage { kind: kind.clone(), key: key.clone() }),
            _ => bail!("a reference to something that is no storage"),
        }
    }

    fn call(&self, function: Id, arguments: Id) -> Result<Value> {
        let Value::Function(function) = self.values[function] else {
            bail!("it calls something that is no function")
        };
        let Value::Tuple(arguments) = &self.values[arguments] else {
            bail!("arguments that are no tuple")
        };
        let argument = |i: usize| arguments.get(i).map(|&id| &self.values[id]);
        match function {
            Function::OrderedDict => {
                ensure!(arguments.is_empty(), "an ordered dictionary made of something");
                Ok(Value::Dict(Vec::new()))
            }
            Function::Size => match argument(0) {
                Some(Value::Tuple(sides)) => Ok(Value::Tuple(sides.clone())),
                _ => bail!("a size of something that is no tuple"),
            },
            Function::RebuildParameter => match argument(0) {
                Some(Value::Tensor(tensor)) => Ok(Value::Tensor(tensor.clone())),
                _ => bail!("a parameter of something that is no tensor"),
            },
            Function::RebuildTensor => {
                let (Some(Value::Storage(storage)), Some(Value::Int(offset))) =
                    (argument(0), argument(1))
                else {
                    bail!("a tensor without a storage")
                };
                Ok(Value::Tensor(Tensor {
                    storage: storage.clone(),
                    offset: usize::try_from(*offset).context("a negative offset")?,
                    shape: self.sides(argument(2))?,
                    strides: self.sides(argument(3))?,
                }))
            }
        }
    }

    fn sides(&self, value: Option<&Value>) -> Result<Vec<usize>> {
        let Some(Value::Tuple(sides)) = value else { bail!("a tensor without a shape") };
        let side = |&id: &Id| match self.values[id] {
            Value::Int(side) => usize::try_from(side).context("a negative side"),
            _ => bail!("a side that is no number"),
        };
        sides.iter().map(side).collect()
    }

    fn int<const N: usize>(&mut self, read: impl Fn([u8; N]) -> i64) -> Result<()> {
        let value = read(self.take()?);
        self.push(Value::Int(value));
        Ok(())
    }

    /// An integer of any length, of which those of at most eight bytes are read.
    fn long(&mut self) -> Result<()> {
        let length = usize::from(self.byte()?);
        let bytes = self.slice(length)?;
        let value = if length <= 8 {
            let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
            let mut whole = [if negative { 0xff } else { 0 }; 8];
            whole[..length].copy_from_slice(bytes);
            Value::Int(i64::from_le_bytes(whole))
        } else {
            Value::Number
        };
        self.push(value);
        Ok(())
    }

    /// Text whose length comes before it, in so many bytes.
    fn text_of(&mut self, width: usize) -> Result<()> {
        let mut length = [0; 8];
        length[..width].copy_from_slice(self.slice(width)?);
        let length = usize::try_from(u64::from_le_bytes(length)).context("text without an end")?;
        let text = std::str::from_utf8(self.slice(length)?).context("text that is no UTF-8")?;
        let text = text.to_owned();
        self.push(Value::Text(text));
        Ok(())
    }

    fn line(&mut self) -> Result<String> {
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        let end = rest.iter().position(|&byte| byte == b'\n').context("a line without an end")?;
        let line = std::str::from_utf8(&rest[..end]).context("a name that is no UTF-8")?;
        self.at += end + 1;
        Ok(line.to_owned())
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take::<1>()?[0])
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.slice(N)?.try_into().context("it ends too early")
    }

    fn skip(&mut self, n: usize) -> Result<()> {
        self.slice(n).map(drop)
    }

    fn slice(&mut self, n: usize) -> Result<&[u8]> {
        let end = self.at.checked_add(n).filter(|&end| end <= self.bytes.len());
        let end = end.context("it ends in the middle")?;
        let slice = &self.bytes[self.at..end];
        self.at = end;
        Ok(slice)
    }
}

/// What a name in a pickle stands for.
fn named(module: &str, name: &str) -> Result<Value> {
    Ok(match (module, name) {
        ("collections", "OrderedDict") => Value::Function(Function::OrderedDict),
        ("torch._utils", "_rebuild_tensor_v2") => Value::Function(Function::RebuildTensor),
        ("torch._utils", "_rebuild_parameter") => Value::Function(Function::RebuildParameter),
        ("torch", "Size") => Value::Function(Function::Size),
        ("torch", kind) if kind.ends_with("Storage") => Value::StorageKind(kind.to_owned()),
        _ => bail!(
            "it asks for `{module}.{name}`, which weights have no use for; nothing in the file was \
             run\nhint: in Python, `torch.save(model.state_dict(), FILE)` writes weights alone"
        ),
    })
}
